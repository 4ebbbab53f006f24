import { type AuditEntry, type AuditList, auditListSchema } from "@handlebar/protocol";
import { API_OPTION_HELP, API_OPTIONS, apiClient, type Query } from "../api-client.ts";
import { printAudit } from "../audit-screen.ts";
import { type Command, type CommandInput, flag, textOption, UsageError } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { nowMs } from "../host-clock.ts";
import { timeOf } from "../time-options.ts";

const LIST_COUNT = 50;
const LIST_COUNT_MAX = 100_000;
const PAGE_COUNT_MAX = 1_000;

export const audit: Command = {
  name: "audit",
  summary: "Lists who changed what in a control plane: policies, keys, lockdowns, webhooks, approvals.",
  usage: "[--kind <kind>] [--object <id>] [--person <name>] [--key <id>] [--since <time>] [--until <time>] [--json]",
  details: `Newest first: when, by whose key, what was done to what, and what changed. A line with no key is what time did, such as a lockdown that
ran out, or what was done where the server runs.`,
  options: {
    ...API_OPTIONS,
    kind: { type: "string" },
    action: { type: "string" },
    object: { type: "string" },
    person: { type: "string" },
    key: { type: "string" },
    since: { type: "string" },
    until: { type: "string" },
    limit: { type: "string" },
    json: { type: "boolean" },
  },
  optionHelp: {
    ...API_OPTION_HELP,
    kind: "only what was done to one kind of thing: policy, key, lockdown, webhook, approval",
    action: "only what was done in this way, such as policy.promoted",
    object: "only what was done to the policy, key, lockdown, webhook or approval with this id",
    person: "only with keys of this person",
    key: "only with this key, by its id",
    since: "only from this time on: 2026-01-31T09:00:00Z, 2026-01-31, or 7d, 12h, 30m ago",
    until: "only before this time",
    limit: `how many (default ${LIST_COUNT}, at most ${LIST_COUNT_MAX})`,
    json: "as JSON",
  },
  async run(input, context) {
    if (input.positionals.length > 0) throw new UsageError("`handlebar audit` takes options alone");
    const api = apiClient(input, context);
    const limit = limitOf(input);
    const query = queryOf(input);
    const entries: AuditEntry[] = [];
    let cursor: string | undefined;
    do {
      const count = Math.min(PAGE_COUNT_MAX, limit - entries.length);
      const page: AuditList = await api.request("GET", "/v1/audit", {
        query: { ...query, limit: count, cursor },
        schema: auditListSchema,
      });
      entries.push(...page.entries);
      cursor = page.nextCursor;
    } while (cursor !== undefined && entries.length < limit);
    if (flag(input, "json")) context.out(`${JSON.stringify(entries, undefined, 2)}\n`);
    else printAudit(entries, context);
    const noun = entries.length === 1 ? "entry" : "entries";
    context.err(`${entries.length} ${noun}${cursor === undefined ? "" : "; there are more, see --limit"}\n`);
    return EXIT.ok;
  },
};

function queryOf(input: CommandInput): Query {
  const kind = textOption(input, "kind");
  const action = textOption(input, "action");
  if (kind !== undefined && action !== undefined) throw new UsageError("give `--kind` or `--action`, not both");
  if (kind !== undefined && !/^[a-z]{1,32}$/.test(kind)) {
    throw new UsageError("`--kind` is one word, such as policy, key, lockdown, webhook or approval");
  }
  return {
    action: kind === undefined ? action : `${kind}.`,
    ref: textOption(input, "object"),
    person: textOption(input, "person"),
    key: textOption(input, "key"),
    since: momentOf(input, "since"),
    until: momentOf(input, "until"),
  };
}

function momentOf(input: CommandInput, option: "since" | "until"): string | undefined {
  const text = textOption(input, option);
  return text === undefined ? undefined : timeOf(option, text, nowMs());
}

function limitOf(input: CommandInput): number {
  const text = textOption(input, "limit");
  if (text === undefined) return LIST_COUNT;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIST_COUNT_MAX) return limit;
  throw new UsageError(`\`--limit\` must be a whole number from 1 to ${LIST_COUNT_MAX}`);
}
