import {
  type ApprovalFact,
  decide,
  type Facts,
  findLockdown,
  type Needs,
  needs as needsOf,
  noteCall,
  type PolicySet,
  reservationIdOf,
  sharedAdds,
} from "@handlebar/engine";
import type { Decision } from "@handlebar/protocol";
import { failureDecision, onFailure } from "./failure-table.ts";
import type { HeldCall } from "./held-call.ts";
import type { AskRemote } from "./remote-check.ts";
import type { Services } from "./services.ts";
import { asksUser, type UserFacts } from "./user-functions.ts";

/** One call on its way to a decision. */
export interface Question {
  /** The facts as they are now; asked again after every wait, so that nothing that happened meanwhile is missed. */
  readonly facts: (extra: UserFacts & { readonly approval?: ApprovalFact | undefined }) => Facts;
  readonly askUser: (needs: Needs) => Promise<UserFacts>;
  /** Brings a held call before a person. */
  readonly hold: (held: HeldCall) => Promise<ApprovalFact | "unavailable">;
  /** Lets the control plane decide. */
  readonly askRemote: AskRemote | undefined;
  /** What becomes of a call that the control plane holds; `undefined` where such calls cannot wait. */
  readonly holdRemote?: (decision: Decision, askAgain: () => Promise<Decision | undefined>) => Promise<Decision>;
}

/**
 * Decides one call: waits for what is needed, decides synchronously from one moment's facts, and remembers a call that was
 * let through before anything else can happen. Where there is nothing to wait for, as with most calls, it does not wait: each
 * wait costs as much as a decision.
 */
export function decideCall<TContext extends object>(
  services: Services<TContext>,
  question: Question,
): Decision | Promise<Decision> {
  const unsettled = services.settled();
  if (unsettled !== undefined) return unsettled.then(() => decideSettled(services, question));
  return decideSettled(services, question);
}

function decideSettled<TContext extends object>(
  services: Services<TContext>,
  question: Question,
): Decision | Promise<Decision> {
  const needs = needsOf(services.state.set, question.facts(NO_ANSWERS));
  if (question.askRemote !== undefined || asksUser(needs) || needs.shared.length > 0) {
    return decidePrepared(services, question, needs);
  }
  const first = decideNow(services, question, NO_ANSWERS);
  return isHeldHere(first) ? holdHere(services, question, { needs, extra: NO_ANSWERS, first }) : first;
}

const NO_ANSWERS: UserFacts = {};

async function decidePrepared<TContext extends object>(
  services: Services<TContext>,
  question: Question,
  needs: Needs,
): Promise<Decision> {
  const isRemote = question.askRemote !== undefined;
  const [extra, early] = await Promise.all([question.askUser(needs), isRemote ? undefined : prepare(services, needs)]);
  const remote = await askRemote(services, question, extra);
  const release = early ?? (remote === undefined ? await prepare(services, needs) : undefined);
  release?.();
  const first = remote ?? decideNow(services, question, extra);
  return isHeldHere(first) ? holdHere(services, question, { needs, extra, first }) : first;
}

/** A call that a person is to be asked about, who was not asked yet. */
function isHeldHere({ verdict, cause }: Decision): boolean {
  return verdict === "BLOCK" && cause.kind === "HITL_PENDING" && cause.approvalId === undefined;
}

async function holdHere<TContext extends object>(
  services: Services<TContext>,
  question: Question,
  { needs, extra, first }: { readonly needs: Needs; readonly extra: UserFacts; readonly first: Decision },
): Promise<Decision> {
  if (first.cause.kind !== "HITL_PENDING") return first;
  const { ruleId, policyId } = first.cause;
  if (ruleId === undefined || policyId === undefined) return first;
  const approval = await question.hold({ ruleId, policyId, set: services.state.set });
  if (approval === "unavailable") return withRules(failureDecision(onFailure("approval-unavailable", true)), first);
  // What there was of shared budgets may be gone by now.
  if (approval.status === "approved") (await prepare(services, needs))();
  return decideNow(services, question, { ...extra, approval });
}

/** @returns a function to call in the tick in which the call is decided. */
async function prepare<TContext extends object>(services: Services<TContext>, needs: Needs): Promise<() => void> {
  return needs.shared.length > 0 ? services.shared.prepare(needs.shared) : () => undefined;
}

/** The control plane's decision, held calls included; what it lets through is remembered here too, for when it is away. */
async function askRemote<TContext extends object>(
  services: Services<TContext>,
  question: Question,
  extra: UserFacts,
): Promise<Decision | undefined> {
  const { askRemote: ask, holdRemote } = question;
  const first = await ask?.(extra);
  if (ask === undefined || first === undefined) return undefined;
  const isHeld = first.cause.kind === "HITL_PENDING" && first.cause.approvalId !== undefined;
  const decision = isHeld && holdRemote !== undefined ? await holdRemote(first, () => ask(extra)) : first;
  const facts = question.facts(extra);
  if (decision.verdict !== "ALLOW" || !isBefore(facts)) return decision;
  // What was stopped here while the answer was on its way is decided here.
  if (facts.enforceMode === "enforce" && isStopped(facts)) return undefined;
  noteCall(services.state.set, facts, decision);
  return decision;
}

function decideNow<TContext extends object>(
  services: Services<TContext>,
  question: Question,
  extra: UserFacts & { readonly approval?: ApprovalFact | undefined },
): Decision {
  const { set } = services.state;
  const facts = question.facts(extra);
  const local = decide(set, facts);
  const decision = withFailure(services, local, facts.enforceMode);
  if (decision.verdict === "ALLOW" && isBefore(facts)) remember(services, set, { facts, decision });
  return decision;
}

function remember<TContext extends object>(
  services: Services<TContext>,
  set: PolicySet,
  { facts, decision }: { readonly facts: Facts; readonly decision: Decision },
): void {
  noteCall(set, facts, decision);
  for (const add of sharedAdds(set, facts)) services.shared.apply(add, reservationIdOf(facts));
}

/** What the state of the link makes of a local decision (SPEC "When things fail"). A local BLOCK stands. */
function withFailure<TContext extends object>(
  services: Services<TContext>,
  local: Decision,
  enforceMode: "enforce" | "shadow",
): Decision {
  const failure = services.failure();
  if (failure === undefined || local.verdict === "BLOCK") return local;
  const consequence = onFailure(failure, services.config.failClosed);
  if (consequence.warns) services.logger.warnOnce(consequence.code, `${consequence.code}: ${failure}`);
  const hasPolicies = services.state.hasInlinePolicies || services.state.revision !== undefined;
  const canDecide = consequence.decideLocally || (failure === "not-ready" && hasPolicies);
  if (canDecide) {
    const cause = hasPolicies ? local.cause : ({ kind: "UNAVAILABLE", code: consequence.code } as const);
    return { ...local, cause, degraded: [...(local.degraded ?? []), consequence.code] };
  }
  const answer = withRules(failureDecision(consequence), local);
  if (enforceMode === "enforce" || answer.verdict === "ALLOW") return answer;
  const { verdict, control, cause } = answer;
  return { ...local, degraded: [consequence.code], shadow: { verdict, control, cause } };
}

function withRules(decision: Decision, from: Decision): Decision {
  return { ...decision, evaluatedRules: from.evaluatedRules };
}

function isStopped(facts: Facts): boolean {
  return facts.run.status !== "open" || findLockdown(facts) !== undefined;
}

function isBefore(facts: Facts): boolean {
  return facts.phase === "tool.before" || facts.phase === "llm.before";
}
