import type { ApprovalFact, CallFacts, PolicySet } from "@handlebar/engine";
import type { Actor, ApprovalRequest, Decision, JsonValue } from "@handlebar/protocol";
import type { ApprovalDesk, ApprovalState } from "./approvals.ts";
import { withDeadline } from "./deadline.ts";
import { fingerprint } from "./fingerprint.ts";
import type { Runtime } from "./runtime.ts";

/** The rule that holds a call. */
export interface HeldCall {
  readonly ruleId: string;
  readonly policyId: string;
  readonly set: PolicySet;
}

/** What asking a person needs of the call and its run. */
export interface Holding {
  readonly runtime: Runtime;
  readonly desk: ApprovalDesk | undefined;
  readonly agent: string;
  readonly runId: string;
  readonly sessionId: string | undefined;
  readonly actor: Actor | undefined;
  readonly call: CallFacts;
  /** The arguments' plain form says all there is: an answer can be bound to it. */
  readonly canBind: boolean;
  /** The arguments as they may be shown; looked for only where a call is held, since that takes time. */
  readonly shownArgs: () => JsonValue | undefined;
  readonly waitMs: number;
  readonly requestTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly onRequested: (request: ApprovalRequest) => void;
  readonly onResolved: (state: ApprovalState) => void;
}

/**
 * Brings a held call before a person and answers with what is known within `waitMs`. `unavailable` means that no request
 * could be made or read: the call stays held (it is never let through for that reason).
 */
export async function holdCall(holding: Holding, held: HeldCall): Promise<ApprovalFact | "unavailable"> {
  const request = makeRequest(holding, held);
  if (request === undefined || holding.desk === undefined) return "unavailable";
  const first = await claim(holding, request);
  if (first === undefined) return "unavailable";
  if (first.approvalId === request.approvalId) holding.onRequested(request);
  if (first.status !== "pending" || holding.waitMs <= 0) return settle(holding, first);
  await holding.desk.wait(first.approvalId, holding.waitMs, holding.signal);
  // A run that ended while it waited uses nothing up: another may ask for the same call.
  if (holding.signal.aborted) return settle(holding, first);
  const second = await claim(holding, request);
  if (second === undefined) return "unavailable";
  // The one that another run had asked for is over, and this is a new one.
  if (second.approvalId === request.approvalId && first.approvalId !== request.approvalId) holding.onRequested(request);
  return settle(holding, second);
}

/** What a call that the control plane holds comes to within `waitMs`; `decision` says that it is held. */
export async function awaitAnswer(
  holding: Holding,
  decision: Decision,
  askAgain: () => Promise<Decision | undefined>,
): Promise<Decision> {
  const { cause } = decision;
  if (cause.kind !== "HITL_PENDING" || cause.approvalId === undefined) return decision;
  if (holding.waitMs <= 0 || holding.desk === undefined) return decision;
  const { approvalId } = cause;
  await holding.desk.wait(approvalId, holding.waitMs, holding.signal);
  if (holding.signal.aborted) return decision;
  const again = await askAgain();
  if (again === undefined) return decision;
  const { cause: answer } = again;
  if (answer.kind === "HITL_APPROVED" || answer.kind === "HITL_DENIED") {
    const status = answer.kind === "HITL_APPROVED" ? "approved" : "denied";
    holding.onResolved({ approvalId, status, by: answer.by });
  }
  return again;
}

async function claim(holding: Holding, request: ApprovalRequest): Promise<ApprovalState | undefined> {
  if (holding.desk === undefined) return undefined;
  const claimed = await withDeadline(holding.runtime, holding.desk.claim(request), {
    timeoutMs: holding.requestTimeoutMs,
  });
  return claimed.ok ? claimed.value : undefined;
}

function settle(holding: Holding, state: ApprovalState): ApprovalFact {
  if (state.status !== "pending") holding.onResolved(state);
  const status = state.status === "approved" || state.status === "pending" ? state.status : "denied";
  const { approvalId, by, edited } = state;
  return { approvalId, status, by, ...(edited === undefined ? {} : { instead: edited.args }) };
}

/** What an answer to the call is bound to; `undefined` where its arguments are too large to be read whole. */
export function fingerprintOf({ agent, call, actor }: Holding): string | undefined {
  return fingerprint({ agent, tool: call.tool.name, args: call.args, actor });
}

/** The request for an answer to the call, without what its rule says. */
export function requestOf(
  holding: Holding,
  of: Pick<ApprovalRequest, "approvalId" | "fingerprint" | "ruleId" | "policyId">,
): ApprovalRequest {
  const { agent, runId, sessionId, call, actor } = holding;
  const shownArgs = holding.shownArgs();
  return {
    approvalId: of.approvalId,
    fingerprint: of.fingerprint,
    agent,
    runId,
    callId: call.callId,
    tool: call.tool.name,
    ruleId: of.ruleId,
    policyId: of.policyId,
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(shownArgs === undefined ? {} : { args: shownArgs }),
    ...(actor === undefined ? {} : { actor }),
  };
}

function makeRequest(holding: Holding, held: HeldCall): ApprovalRequest | undefined {
  const bound = holding.canBind ? fingerprintOf(holding) : undefined;
  if (bound === undefined) return undefined;
  const { ruleId, policyId } = held;
  const effect = held.set.policies
    .find((policy) => policy.id === held.policyId)
    ?.rules.find((rule) => rule.id === held.ruleId)?.effect;
  return {
    ...requestOf(holding, { approvalId: holding.runtime.newId(), fingerprint: bound, ruleId, policyId }),
    ...(effect?.reason === undefined ? {} : { reason: effect.reason }),
    ...(effect?.type === "hitl" && effect.approval !== undefined ? { terms: effect.approval } : {}),
  };
}
