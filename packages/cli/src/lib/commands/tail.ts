import { HandlebarError, tailMessageSchema } from "@handlebar/protocol";
import { API_OPTION_HELP, API_OPTIONS, type ApiClient, apiClient, type StreamMessage } from "../api-client.ts";
import { type Command, type CommandContext, type CommandInput, textOption, UsageError } from "../command.ts";
import { eventPrinter } from "../event-lines.ts";
import { EXIT } from "../exit-codes.ts";
import { pause } from "../host-clock.ts";

/** Between a lost connection and the next attempt. */
const RETRY_MS = 1_000;

const FILTERS = ["run", "session", "agent", "actor", "kind", "tool", "verdict", "cause", "rule"] as const;

export const tail: Command = {
  name: "tail",
  summary: "Prints events as a control plane stores them.",
  usage: "[--agent <slug>] [--verdict ALLOW|BLOCK] [--kind <kinds>] [--count <number>] [--json]",
  details: `Goes on until it is interrupted, across restarts of the control plane. Events that are stored while no connection stands are not printed;
\`handlebar runs\` has them.`,
  options: {
    ...API_OPTIONS,
    ...Object.fromEntries(FILTERS.map((name) => [name, { type: "string" } as const])),
    count: { type: "string" },
    json: { type: "boolean" },
  },
  optionHelp: {
    ...API_OPTION_HELP,
    run: "only of this run",
    session: "only of this session",
    agent: "only of this agent",
    actor: "only for this actor, by its external id",
    kind: "only of these kinds, such as tool.decision,tool.result",
    tool: "only about this tool",
    verdict: "only decisions that say ALLOW or BLOCK",
    cause: "only decisions with this cause, such as HITL_PENDING",
    rule: "only decisions of this rule, by its id",
    count: "end after this many events",
    json: "each event as it is stored, one on a line",
  },
  async run(input, context) {
    const wanted = countOf(input);
    const api = apiClient(input, context);
    const print = eventPrinter(input, context);
    const ended = new AbortController();
    const signal = AbortSignal.any([context.interrupted, ended.signal]);
    let printed = 0;
    const onMessage = ({ data }: StreamMessage): void => {
      const message = tailMessageSchema.safeParse(JSON.parse(data));
      if (!message.success || message.data.kind !== "event" || printed >= wanted) return;
      print(message.data.event);
      printed += 1;
      if (printed >= wanted) ended.abort();
    };
    const query = Object.fromEntries(FILTERS.map((name) => [name, textOption(input, name)]));
    await follow(api, context, { query, signal, onMessage });
    return EXIT.ok;
  },
};

/** Connects again whenever the connection is lost. What the control plane refuses is thrown: asking again would not help. */
async function follow(
  api: ApiClient,
  context: CommandContext,
  options: Parameters<ApiClient["stream"]>[1],
): Promise<void> {
  const { signal } = options;
  while (!signal.aborted) {
    try {
      await api.stream("/v1/events/tail", options);
      if (!signal.aborted) context.err("the control plane ended the connection; connecting again\n");
    } catch (error) {
      const isRefusal = HandlebarError.is(error) && !TRANSIENT.has(error.code);
      if (isRefusal) throw error;
      context.err("the control plane cannot be reached; trying again\n");
    }
    if (!signal.aborted) await pause(RETRY_MS);
  }
}

const TRANSIENT: ReadonlySet<string> = new Set([
  "HB_API_UNREACHABLE",
  "HB_OVERLOADED",
  "HB_RATE_LIMITED",
  "HB_SERVER_FAILED",
  "HB_SERVER_STOPPING",
  "HB_STORE_UNAVAILABLE",
]);

function countOf(input: CommandInput): number {
  const text = textOption(input, "count");
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError("`--count` must be a whole number from 1");
  return Number(text);
}
