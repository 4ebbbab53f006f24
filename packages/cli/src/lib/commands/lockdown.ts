import { type LockdownAnswer, type LockdownScope, lockdownAnswerSchema, lockdownListSchema } from "@handlebar/protocol";
import { API_OPTION_HELP, API_OPTIONS, type ApiClient, apiClient } from "../api-client.ts";
import { type Command, type CommandContext, type CommandInput, flag, textOption, UsageError } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { monotonicMs, nowMs, pause } from "../host-clock.ts";
import { printLockdown, printLockdowns } from "../lockdown-screen.ts";

const WAIT_SECONDS_DEFAULT = 10;
/** Between looks at who obeys. */
const LOOK_EVERY_MS = 200;
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

export const lockdown: Command = {
  name: "lockdown",
  summary: "Stops agents now, shows who obeys, and lifts the stop.",
  usage:
    "[list] | create (--everything | --agent <slug> | --actor <id> | --session <id> | --tool <name>) | status [<id>] | lift <id>",
  details: `create stops what it names at once: calls that have not started do not, those under way are aborted, new runs are refused. It then waits
until every client that is running obeys, at most --wait seconds, and exits with 1 when some do not yet. A stop for a tool lets the run go
on without it. status shows how the stop orders in force, or the one that is named, came to be obeyed, and who does not obey; it exits with 1
when somebody does not. With --wait it waits for them first.`,
  options: {
    ...API_OPTIONS,
    everything: { type: "boolean" },
    agent: { type: "string" },
    actor: { type: "string" },
    session: { type: "string" },
    tool: { type: "string" },
    reason: { type: "string" },
    for: { type: "string" },
    wait: { type: "string" },
    all: { type: "boolean" },
    json: { type: "boolean" },
  },
  optionHelp: {
    ...API_OPTION_HELP,
    everything: "create: every agent of the workspace",
    agent: "create: one agent",
    actor: "create: all that is done for one actor",
    session: "create: one session",
    tool: "create: one tool, in every agent",
    reason: "create: why",
    for: "create: how long, such as 30m or 12h (default: until it is lifted)",
    wait: "create, status: how many seconds to wait for every client (default of create: 10, of status: 0)",
    all: "list: also those that are over",
    json: "the answer as JSON",
  },
  async run(input, context) {
    const [verb = "list", id] = input.positionals;
    const api = apiClient(input, context);
    if (verb === "list") return list(api, input, context);
    if (verb === "create") return create(api, input, context);
    if (verb === "status" || verb === "show") return status(api, input, context);
    if (verb !== "lift") {
      throw new UsageError(`there is no \`lockdown ${verb}\`; there are list, create, status and lift`);
    }
    if (id === undefined) throw new UsageError("name the lockdown by its id; `handlebar lockdown list` shows them");
    print([await api.request("DELETE", pathOf(id), { schema: lockdownAnswerSchema })], input, context);
    return EXIT.ok;
  },
};

async function list(api: ApiClient, input: CommandInput, context: CommandContext): Promise<number> {
  const query = flag(input, "all") ? { all: "true" } : {};
  const { lockdowns } = await api.request("GET", "/v1/lockdowns", { query, schema: lockdownListSchema });
  if (flag(input, "json")) context.out(`${JSON.stringify(lockdowns, undefined, 2)}\n`);
  else printLockdowns(lockdowns, context);
  return EXIT.ok;
}

/** How one stop order is obeyed, or each that is in force. */
async function status(api: ApiClient, input: CommandInput, context: CommandContext): Promise<number> {
  const [, id] = input.positionals;
  const waitSeconds = secondsOf(textOption(input, "wait") ?? "0", "wait");
  const ids =
    id === undefined
      ? (await api.request("GET", "/v1/lockdowns", { schema: lockdownListSchema })).lockdowns.map(
          ({ lockdown: { lockdownId } }) => lockdownId,
        )
      : [id];
  const untilMs = monotonicMs() + waitSeconds * 1_000;
  const answers: LockdownAnswer[] = [];
  for (const one of ids) {
    const now = await api.request("GET", pathOf(one), { schema: lockdownAnswerSchema });
    answers.push(await untilObeyed(api, now, { untilMs, interrupted: context.interrupted }));
  }
  if (id !== undefined && flag(input, "json")) print(answers, input, context);
  else if (flag(input, "json")) context.out(`${JSON.stringify(answers, undefined, 2)}\n`);
  else print(answers, input, context);
  if (answers.length === 0) context.err("no lockdown is in force\n");
  return answers.every(isObeyed) ? EXIT.ok : EXIT.found;
}

async function create(api: ApiClient, input: CommandInput, context: CommandContext): Promise<number> {
  const reason = textOption(input, "reason");
  const until = untilOf(textOption(input, "for"));
  const waitSeconds = secondsOf(textOption(input, "wait") ?? String(WAIT_SECONDS_DEFAULT), "wait");
  const body = {
    scope: scopeOf(input),
    ...(reason === undefined ? {} : { reason }),
    ...(until === undefined ? {} : { until }),
  };
  const created = await api.request("POST", "/v1/lockdowns", { body, schema: lockdownAnswerSchema });
  const untilMs = monotonicMs() + waitSeconds * 1_000;
  const answer = await untilObeyed(api, created, { untilMs, interrupted: context.interrupted });
  print([answer], input, context);
  return isObeyed(answer) ? EXIT.ok : EXIT.found;
}

function isObeyed({ inForce, acknowledgedCount, clientCount }: LockdownAnswer): boolean {
  return !inForce || acknowledgedCount >= clientCount;
}

function pathOf(lockdownId: string): string {
  return `/v1/lockdowns/${encodeURIComponent(lockdownId)}`;
}

async function untilObeyed(
  api: ApiClient,
  created: LockdownAnswer,
  { untilMs, interrupted }: { readonly untilMs: number; readonly interrupted: AbortSignal },
): Promise<LockdownAnswer> {
  const path = pathOf(created.lockdown.lockdownId);
  let answer = created;
  while (!isObeyed(answer) && answer.stragglers.some(isLate) && monotonicMs() < untilMs && !interrupted.aborted) {
    await pause(LOOK_EVERY_MS);
    answer = await api.request("GET", path, { schema: lockdownAnswerSchema });
  }
  return answer;
}

/** Who runs in shadow, or with Handlebar off, will not obey however long one waits. */
function isLate({ standing }: LockdownAnswer["stragglers"][number]): boolean {
  return standing === "late";
}

function scopeOf(input: CommandInput): LockdownScope {
  const agent = textOption(input, "agent");
  const actor = textOption(input, "actor");
  const session = textOption(input, "session");
  const tool = textOption(input, "tool");
  const scopes: LockdownScope[] = [
    ...(flag(input, "everything") ? [{ kind: "workspace" } as const] : []),
    ...(agent === undefined ? [] : [{ kind: "agent", slug: agent } as const]),
    ...(actor === undefined ? [] : [{ kind: "actor", externalId: actor } as const]),
    ...(session === undefined ? [] : [{ kind: "session", sessionId: session } as const]),
    ...(tool === undefined ? [] : [{ kind: "tool", name: tool } as const]),
  ];
  const [scope] = scopes;
  if (scope !== undefined && scopes.length === 1) return scope;
  throw new UsageError("say what to stop: one of --everything, --agent, --actor, --session and --tool");
}

function untilOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : new Date(nowMs() + secondsOf(text, "for") * 1_000).toISOString();
}

/** `90`, `90s`, `30m`, `12h` or `2d` in seconds. */
function secondsOf(text: string, option: string): number {
  const [, digits, unit = "s"] = /^(\d{1,6})([smhd])?$/.exec(text) ?? [];
  if (digits !== undefined) return Number(digits) * (UNITS[unit] ?? 1);
  throw new UsageError(`--${option} must be a time such as 90s, 30m, 12h or 2d, and not \`${text}\``);
}

function print(answers: readonly LockdownAnswer[], input: CommandInput, context: CommandContext): void {
  for (const answer of answers) {
    if (flag(input, "json")) context.out(`${JSON.stringify(answer, undefined, 2)}\n`);
    else printLockdown(answer, context);
  }
}
