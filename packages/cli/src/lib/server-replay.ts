import { resolve } from "node:path";
import { loadPolicyFiles } from "@handlebar/policies/node";
import {
  ERROR_CODES,
  HandlebarError,
  type HandlebarErrorCode,
  type ReplayAnswer,
  type ReplayMessage,
  type ReplayPoliciesBody,
  replayMessageSchema,
} from "@handlebar/protocol";
import { type ApiClient, apiClient } from "./api-client.ts";
import { type CommandContext, type CommandInput, flag, textOption, textOptions, UsageError } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { nowMs } from "./host-clock.ts";
import { createBar } from "./progress.ts";
import { readTools } from "./read-tools.ts";
import { printReport } from "./replay-screen.ts";
import { count } from "./screen.ts";
import { durationMsOf, timeOf } from "./time-options.ts";

/** Options that say nothing about files. */
export const SERVER_ONLY = ["since", "until", "actor", "session", "alone", "lead-in", "api-key"] as const;

/** Has a control plane replay what it recorded, and shows how far it is. */
export async function replayOnServer(input: CommandInput, context: CommandContext): Promise<number> {
  if (input.positionals.length > 0) throw new UsageError("name either files of traffic or --server, not both");
  const answer = await ask(apiClient(input, context), bodyOf(input, context), context);
  if (answer === undefined) {
    context.err("cancelled\n");
    return EXIT.usage;
  }
  if (flag(input, "json")) {
    context.out(`${JSON.stringify(answer, undefined, 2)}\n`);
    return EXIT.ok;
  }
  const { since, until, leadInEvents, report } = answer;
  printReport(report, context);
  const leadIn = leadInEvents === 0 ? "" : `, and ${count(leadInEvents, "event")} before that not counted`;
  context.err(`${count(report.rows, "event")} from ${since} to ${until}${leadIn}\n`);
  return EXIT.ok;
}

function bodyOf(input: CommandInput, context: CommandContext): ReplayPoliciesBody {
  const since = textOption(input, "since");
  if (since === undefined) throw new UsageError("say since when with --since, such as `--since 7d`");
  const until = textOption(input, "until");
  const leadIn = textOption(input, "lead-in");
  const toolsPath = textOption(input, "tools");
  const paths = textOptions(input, "policies").map((path) => resolve(context.cwd, path));
  const named = {
    agent: textOption(input, "agent"),
    actor: textOption(input, "actor"),
    session: textOption(input, "session"),
  };
  return {
    policies: paths.length === 0 ? [] : [...loadPolicyFiles(paths)],
    alone: flag(input, "alone"),
    since: timeOf("since", since, nowMs()),
    ...(until === undefined ? {} : { until: timeOf("until", until, nowMs()) }),
    ...(leadIn === undefined ? {} : { leadInSeconds: Math.ceil(durationMsOf("lead-in", leadIn) / 1_000) }),
    ...named,
    ...(toolsPath === undefined ? {} : { tools: [...readTools(toolsPath, context.cwd)] }),
    failClosed: flag(input, "fail-closed"),
  };
}

/** `undefined` when it was interrupted. */
async function ask(
  api: ApiClient,
  body: ReplayPoliciesBody,
  context: CommandContext,
): Promise<ReplayAnswer | undefined> {
  const bar = createBar(context);
  const signal = context.interrupted;
  let last: ReplayMessage | undefined;
  const onMessage = ({ data }: { readonly data: string }): void => {
    const message = replayMessageSchema.safeParse(JSON.parse(data)).data;
    if (message?.kind === "progress") bar.show(message.share);
    else last = message;
  };
  try {
    await api.stream("/v1/policies/replay", { method: "POST", body, signal, onMessage });
  } finally {
    bar.clear();
  }
  if (last?.kind === "report") return last;
  if (signal.aborted) return undefined;
  if (last?.kind === "failed") throw new HandlebarError(codeOf(last.code), last.message);
  throw new HandlebarError("HB_API_UNREACHABLE", `${api.server} ended the replay before its report; try again`);
}

function codeOf(code: string): HandlebarErrorCode {
  return Object.keys(ERROR_CODES).find((one): one is HandlebarErrorCode => one === code) ?? "HB_API_REJECTED";
}
