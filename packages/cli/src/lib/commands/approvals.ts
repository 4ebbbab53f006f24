import {
  type Approval,
  type ApprovalList,
  type ApprovalStatus,
  approvalAnswerBodySchema,
  approvalListSchema,
  approvalStatusSchema,
  closestName,
  type JsonValue,
  resolveApprovalsAnswerSchema,
} from "@handlebar/protocol";
import { API_OPTION_HELP, API_OPTIONS, type ApiClient, apiClient } from "../api-client.ts";
import { printApproval, printApprovals, printOutcome } from "../approvals-screen.ts";
import { type Command, type CommandContext, type CommandInput, flag, textOption, UsageError } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { pagesOf } from "../pages.ts";

interface ApprovalsCall {
  readonly api: ApiClient;
  readonly input: CommandInput;
  readonly context: CommandContext;
  /** What follows the verb. */
  readonly ids: readonly string[];
}

/** Approvals that one command answers. */
const ANSWER_COUNT_MAX = 200;
/** Pages that a filter looks through. */
const PAGE_COUNT_MAX = 100;

const VERBS: ReadonlyMap<string, (call: ApprovalsCall) => Promise<number>> = new Map([
  ["list", list],
  ["show", show],
  ["approve", (call) => answer(call, "approved")],
  ["deny", (call) => answer(call, "denied")],
  ["cancel", cancel],
]);

export const approvals: Command = {
  name: "approvals",
  summary: "Lists the calls that wait for a person, and answers them.",
  usage: "[list] | show <id> | approve <id>... | deny <id>... | cancel <id>...",
  details: `list shows what waits for an answer, or what --status names. approve, deny and cancel take ids, or a filter: --agent, --run or --tool with
--yes, which takes what list shows with the same filter at that moment. An answer says who gives it: the person whose API key it is, else
--by. approve --args lets the call through with other arguments in place of its own: the agent is told which, and may make the call with
them once. Exits with 1 when an answer was refused.`,
  options: {
    ...API_OPTIONS,
    status: { type: "string" },
    agent: { type: "string" },
    run: { type: "string" },
    tool: { type: "string" },
    yes: { type: "boolean" },
    by: { type: "string" },
    comment: { type: "string" },
    args: { type: "string" },
    json: { type: "boolean" },
  },
  optionHelp: {
    ...API_OPTION_HELP,
    status: `list: ${approvalStatusSchema.options.join(", ")} or all (default: pending)`,
    agent: "only calls of this agent",
    run: "only calls of this run",
    tool: "only calls of this tool",
    yes: "approve, deny, cancel: everything that the filter finds",
    by: "approve, deny: who answers, where the API key is nobody's own",
    comment: "approve, deny, cancel: why",
    args: "approve: JSON of the arguments that the call may have in place of its own",
    json: "the answer as JSON",
  },
  async run(input, context) {
    const [verb = "list", ...ids] = input.positionals;
    const run = VERBS.get(verb);
    if (run === undefined) throw unknownVerb(verb);
    return run({ api: apiClient(input, context), input, context, ids });
  },
};

function unknownVerb(verb: string): UsageError {
  const verbs = [...VERBS.keys()];
  const meant = closestName(verb, verbs);
  const hint = meant === undefined ? `there are ${verbs.join(", ")}` : `did you mean \`${meant}\`?`;
  return new UsageError(`there is no \`approvals ${verb}\`; ${hint}`);
}

async function list(call: ApprovalsCall): Promise<number> {
  const { input, context } = call;
  const found = await find(call, statusOf(textOption(input, "status") ?? "pending"));
  if (flag(input, "json")) context.out(`${JSON.stringify(found, undefined, 2)}\n`);
  else printApprovals(found, context);
  return EXIT.ok;
}

async function show({ api, input, context, ids: [id] }: ApprovalsCall): Promise<number> {
  if (id === undefined) throw new UsageError("name the approval by its id; `handlebar approvals list` shows them");
  const { approval } = await api.request("GET", pathOf(id), { schema: approvalAnswerBodySchema });
  if (flag(input, "json")) context.out(`${JSON.stringify(approval, undefined, 2)}\n`);
  else printApproval(approval, context);
  return EXIT.ok;
}

async function answer(call: ApprovalsCall, status: "approved" | "denied"): Promise<number> {
  const { api, input, context } = call;
  const by = textOption(input, "by");
  const body = { status, ...commentOf(input), ...(by === undefined ? {} : { by }) };
  const args = argsOf(input);
  if (args !== undefined) {
    const [id, ...more] = call.ids;
    if (id === undefined || more.length > 0 || status === "denied") {
      throw new UsageError("`--args` goes with `approve` and one id: other arguments are of one call alone");
    }
    const path = `${pathOf(id)}/resolve`;
    const { approval } = await api.request("POST", path, { body: { ...body, args }, schema: approvalAnswerBodySchema });
    return print([{ approvalId: id, approval }], { input, context });
  }
  const approvalIds = await idsOf(call, "pending");
  if (approvalIds.length === 0) return nothing(context);
  const { results } = await api.request("POST", "/v1/approvals/resolve", {
    body: { approvalIds, ...body },
    schema: resolveApprovalsAnswerSchema,
  });
  return print(results, { input, context });
}

async function cancel(call: ApprovalsCall): Promise<number> {
  const { api, input, context } = call;
  const ids = await idsOf(call, "pending");
  if (ids.length === 0) return nothing(context);
  const results: Outcome[] = [];
  for (const approvalId of ids) {
    const { approval } = await api.request("POST", `${pathOf(approvalId)}/cancel`, {
      body: commentOf(input),
      schema: approvalAnswerBodySchema,
    });
    results.push({ approvalId, approval });
  }
  return print(results, { input, context });
}

interface Outcome {
  readonly approvalId: string;
  readonly approval?: Approval | undefined;
  readonly problem?: { readonly code: string; readonly message: string } | undefined;
}

function print(
  results: readonly Outcome[],
  { input, context }: { readonly input: CommandInput; readonly context: CommandContext },
): number {
  if (flag(input, "json")) context.out(`${JSON.stringify(results, undefined, 2)}\n`);
  else for (const result of results) printOutcome(result, context);
  return results.some(({ problem }) => problem !== undefined) ? EXIT.found : EXIT.ok;
}

function nothing(context: CommandContext): number {
  context.err("nothing waits that this filter finds\n");
  return EXIT.ok;
}

/** The ids that were given, or those that the filter finds where the person said yes to that. */
async function idsOf(call: ApprovalsCall, status: ApprovalStatus): Promise<readonly string[]> {
  const { input, context, ids } = call;
  const isFiltered = ["agent", "run", "tool"].some((name) => textOption(input, name) !== undefined);
  if (ids.length > 0) {
    if (isFiltered) throw new UsageError("give ids or a filter, not both");
    if (ids.length > ANSWER_COUNT_MAX) throw new UsageError(`give at most ${ANSWER_COUNT_MAX} ids at once`);
    return [...new Set(ids)];
  }
  if (!isFiltered) {
    throw new UsageError("name approvals by their ids, or give --agent, --run or --tool with --yes");
  }
  const found = await find(call, status);
  if (flag(input, "yes")) return found.map(({ approvalId }) => approvalId).slice(0, ANSWER_COUNT_MAX);
  printApprovals(found, context);
  throw new UsageError("this is what the filter finds; add --yes to answer all of it");
}

async function find({ api, input }: ApprovalsCall, status: ApprovalStatus | undefined): Promise<readonly Approval[]> {
  const tool = textOption(input, "tool");
  const filter = { status, agent: textOption(input, "agent"), run: textOption(input, "run") };
  const found: Approval[] = [];
  const ask = (cursor: string | undefined): Promise<ApprovalList> =>
    api.request("GET", "/v1/approvals", { query: { ...filter, cursor }, schema: approvalListSchema });
  for await (const { approvals } of pagesOf(ask, PAGE_COUNT_MAX)) {
    found.push(...approvals.filter((approval) => tool === undefined || approval.tool === tool));
  }
  return found;
}

function statusOf(text: string): ApprovalStatus | undefined {
  if (text === "all") return undefined;
  const status = approvalStatusSchema.options.find((one) => one === text);
  if (status !== undefined) return status;
  throw new UsageError(`\`--status\` must be one of ${approvalStatusSchema.options.join(", ")} and all`);
}

function commentOf(input: CommandInput): { readonly comment?: string } {
  const comment = textOption(input, "comment");
  return comment === undefined ? {} : { comment };
}

function argsOf(input: CommandInput): JsonValue | undefined {
  const text = textOption(input, "args");
  if (text === undefined) return undefined;
  try {
    // What `JSON.parse` gives is a JSON value.
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new UsageError("`--args` must be JSON, such as '{\"amount\": 400}'", { cause: error });
  }
}

function pathOf(approvalId: string): string {
  return `/v1/approvals/${encodeURIComponent(approvalId)}`;
}
