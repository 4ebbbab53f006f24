import {
  type ApprovalFact,
  decide,
  type Facts,
  labelsOf,
  needs as needsOf,
  noteCall,
  noteResult,
  type PolicySet,
  promptTextOf,
  reservationIdOf,
  SessionLabels,
  type SharedNeed,
  type SharedReadings,
  sharedAdds,
} from "@handlebar/engine";
import type { CheckFacts, Decision } from "@handlebar/protocol";
import { SHARED_ATTEMPT_COUNT_MAX } from "../limits.ts";
import { type CheckWorld, factsOf, hostFactsOf, isAfter } from "./check-facts.ts";
import { type ApprovalDesk, holdCheck, isHeldBeside, standingApproval, unheldDecision } from "./held-check.ts";
import type { HeldRun } from "./run-memory.ts";
import type { SharedCall } from "./shared-windows.ts";

/** One call to decide, and everything that is the same however often it is tried. */
export interface CheckCall {
  readonly workspaceId: string;
  /** The key that asks. */
  readonly keyId: string | undefined;
  readonly given: CheckFacts;
  readonly set: PolicySet;
  readonly world: CheckWorld;
  /** The windows of this call: the same however often it is tried. */
  readonly windows: () => SharedCall;
  /** Where held calls are brought before a person. */
  readonly approvals: ApprovalDesk | undefined;
  /** Names this request; the same however often it is tried. */
  readonly operationId: () => string;
}

/** Decides one call of a run as the engine does, and remembers what it came to. */
export async function checkCall(call: CheckCall, run: HeldRun): Promise<Decision> {
  const { given, set, world } = call;
  noteWhatIsGiven(call, run);
  const bare = factsOf(given, world, run);
  const needed = needsOf(set, bare);
  const facts: Facts = { ...bare, ...hostFactsOf(given, needed) };
  if (isAfter(given)) noteEnd(call, run, facts);
  const decision = await new Asking(call, facts, needed.shared).decide();
  if (run.isKept && decision.verdict === "ALLOW" && !isAfter(given)) {
    noteCall(set, facts, decision);
    run.touch();
  }
  if (decision.control === "TERMINATE") run.terminate();
  return decision;
}

function noteWhatIsGiven({ given, set }: CheckCall, run: HeldRun): void {
  if (!run.isKept) return;
  if (given.labels !== undefined) run.addLabels(given.labels);
  const said = given.phase === "llm.before" ? (given.messages ?? []).map(promptTextOf) : [];
  const texts = [given.prompt, ...said].filter((text) => text !== undefined);
  if (texts.length > 0) run.notePrompts(set, texts);
}

function noteEnd({ given, set }: CheckCall, run: HeldRun, facts: Facts): void {
  if (!run.isKept) return;
  noteResult(set, facts);
  run.touch();
  if (given.sessionId === undefined || labelsOf(run.state).length === 0) return;
  const kept = new SessionLabels();
  kept.keep(given.sessionId, set, { agent: facts.agent, state: run.state });
  run.keepForSession(kept.read(given.sessionId));
}

/** One call while it is decided, with the windows that it shares with others. */
class Asking {
  readonly #call: CheckCall;
  readonly #facts: Facts;
  readonly #needed: readonly SharedNeed[];

  constructor(call: CheckCall, facts: Facts, needed: readonly SharedNeed[]) {
    this.#call = call;
    this.#facts = facts;
    this.#needed = needed;
  }

  async decide(): Promise<Decision> {
    const { set, given } = this.#call;
    const adds = sharedAdds(set, this.#facts);
    if (this.#needed.length === 0 && adds.length === 0) return this.#withAnswer(undefined);
    const windows = this.#call.windows();
    const id = reservationIdOf(this.#facts);
    if (isAfter(given)) {
      // What a call came to is in the windows before it is asked what they say.
      await windows.add(adds, id);
      return this.#withAnswer(await windows.read(this.#needed));
    }
    let decision = await this.#withAnswer(await windows.read(this.#needed));
    for (let count = 1; decision.verdict === "ALLOW" && count < SHARED_ATTEMPT_COUNT_MAX; count++) {
      if (await windows.take(adds, id)) return decision;
      decision = await this.#withAnswer(await windows.read(this.#needed));
    }
    // No room is left, and the call is let through for all that: what it adds counts.
    if (decision.verdict === "ALLOW") await windows.add(adds, id);
    return decision;
  }

  async #withAnswer(shared: SharedReadings | undefined): Promise<Decision> {
    const { set, given, approvals, workspaceId, keyId, operationId } = this.#call;
    const first = this.#decideNow(shared, undefined);
    if (approvals === undefined || given.phase !== "tool.before") return first;
    const held = { workspaceId, keyId, facts: this.#facts, shownArgs: given.shownArgs };
    if (first.cause.kind === "HITL_PENDING") {
      const request = { ...held, set, decision: first, operationId: operationId() };
      const approval = await holdCheck(approvals, request);
      return approval === undefined ? unheldDecision(first) : this.#decideNow(shared, approval);
    }
    const standing = isHeldBeside(first) ? await standingApproval(approvals, held) : undefined;
    return standing === undefined ? first : this.#decideNow(shared, standing);
  }

  #decideNow(shared: SharedReadings | undefined, approval: ApprovalFact | undefined): Decision {
    return decide(this.#call.set, { ...this.#facts, shared, approval });
  }
}
