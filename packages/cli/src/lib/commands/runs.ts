import {
  type EventList,
  eventListSchema,
  type RunAnswer,
  type RunList,
  type RunRecord,
  runAnswerSchema,
  runListSchema,
} from "@handlebar/protocol";
import { API_OPTION_HELP, API_OPTIONS, type ApiClient, apiClient } from "../api-client.ts";
import { type Command, type CommandContext, type CommandInput, flag, textOption, UsageError } from "../command.ts";
import { eventPrinter } from "../event-lines.ts";
import { EXIT } from "../exit-codes.ts";
import { pagesOf } from "../pages.ts";
import { count, paint, table } from "../screen.ts";

const PAGE_COUNT = 1_000;
const LIST_COUNT = 50;
/** Events of one run that are printed; the rest is a question of its own. */
const EVENT_COUNT_MAX = 100_000;

export const runs: Command = {
  name: "runs",
  summary: "Lists the runs of a control plane, or shows one with its events.",
  usage: "[<run id>] [--agent <slug>] [--status <status>] [--gaps] [--since <time>] [--limit <count>] [--json]",
  details: `Newest first. Of one run it prints every event in order, and which events are missing without an explanation; then it exits with 1.
A gap means that events were lost on the way, or taken out.`,
  options: {
    ...API_OPTIONS,
    agent: { type: "string" },
    session: { type: "string" },
    actor: { type: "string" },
    status: { type: "string" },
    gaps: { type: "boolean" },
    since: { type: "string" },
    until: { type: "string" },
    limit: { type: "string" },
    json: { type: "boolean" },
  },
  optionHelp: {
    ...API_OPTION_HELP,
    agent: "only of this agent",
    session: "only of this session",
    actor: "only for this actor, by its external id",
    status: "only open, success, error, timeout or interrupted ones",
    gaps: "only those of which events are missing",
    since: "only those that started at or after this time, such as 2026-01-31T09:00:00Z",
    until: "only those that started before this time",
    limit: `how many (default ${LIST_COUNT}, at most ${PAGE_COUNT})`,
    json: "as JSON; of one run its events, one on a line",
  },
  run(input, context) {
    const [runId, more] = input.positionals;
    if (more !== undefined) throw new UsageError("name one run");
    return runId === undefined ? listRuns(input, context) : showRun(runId, input, context);
  },
};

async function listRuns(input: CommandInput, context: CommandContext): Promise<number> {
  const query = {
    agent: textOption(input, "agent"),
    session: textOption(input, "session"),
    actor: textOption(input, "actor"),
    status: textOption(input, "status"),
    gap: flag(input, "gaps") ? "true" : undefined,
    since: textOption(input, "since"),
    until: textOption(input, "until"),
    limit: textOption(input, "limit") ?? LIST_COUNT,
  };
  const list: RunList = await apiClient(input, context).request("GET", "/v1/runs", { query, schema: runListSchema });
  if (flag(input, "json")) {
    context.out(`${JSON.stringify(list.runs, undefined, 2)}\n`);
    return EXIT.ok;
  }
  if (list.runs.length > 0) {
    const head = ["run", "agent", "started", "status", "decisions", "blocked", "actor"];
    context.out(table([head, ...list.runs.map(rowOf)]));
  }
  const isAll = list.nextCursor === undefined;
  context.err(`${count(list.runs.length, "run")}${isAll ? "" : "; there are more, see --limit"}\n`);
  return EXIT.ok;
}

function rowOf(run: RunRecord): readonly (string | number)[] {
  const { runId, agent, startedAt, decisionCount, blockCount, actor } = run;
  return [runId, agent, startedAt, run.status ?? "open", decisionCount, blockCount, actor?.externalId ?? ""];
}

async function showRun(runId: string, input: CommandInput, context: CommandContext): Promise<number> {
  const api = apiClient(input, context);
  const path = `/v1/runs/${encodeURIComponent(runId)}`;
  const answer: RunAnswer = await api.request("GET", path, { schema: runAnswerSchema });
  if (!flag(input, "json")) printRun(answer, context);
  await printEvents(api, path, eventPrinter(input, context));
  if (answer.gaps.length === 0) return EXIT.ok;
  const ranges = answer.gaps.map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`)).join(", ");
  context.err(`${paint(context, "red", "missing without an explanation")}: events ${ranges}\n`);
  return EXIT.found;
}

function printRun({ run }: RunAnswer, context: CommandContext): void {
  const { runId, agent, sessionId, actor, model, tags, startedAt, endedAt } = run;
  context.out(`${paint(context, "bold", runId)} of ${agent}: ${run.status ?? "open"}\n`);
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["session", sessionId],
    ["actor", actor?.externalId],
    ["model", model?.name],
    [
      "tags",
      Object.entries(tags)
        .map((tag) => tag.join("="))
        .join(" ") || undefined,
    ],
    ["started", startedAt],
    ["ended", endedAt],
    ["events", `${run.eventCount}${run.droppedCount === 0 ? "" : `, and ${run.droppedCount} that its client lost`}`],
    ["decisions", `${run.decisionCount}, ${run.blockCount} of them blocked`],
  ];
  context.out(table(facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))));
  context.out("\n");
}

async function printEvents(api: ApiClient, path: string, print: ReturnType<typeof eventPrinter>): Promise<void> {
  const ask = (cursor: string | undefined): Promise<EventList> =>
    api.request("GET", `${path}/events`, { query: { limit: PAGE_COUNT, cursor }, schema: eventListSchema });
  for await (const { events } of pagesOf(ask, EVENT_COUNT_MAX / PAGE_COUNT)) for (const event of events) print(event);
}
