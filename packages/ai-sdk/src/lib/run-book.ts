import type { ToolDecision } from "@handlebar/core";
import { type AnyRun, perRun } from "@handlebar/core/adapter";

/** A proposed call as the tool's code will get it. */
export interface ProposedCall {
  readonly name: string;
  readonly args: unknown;
  readonly callId: string | undefined;
  readonly tags: readonly string[];
  readonly kind: string | undefined;
}

interface Held {
  readonly call: ProposedCall;
  readonly key: string;
  readonly decision: Promise<ToolDecision>;
}

/** Decisions that wait for their call to run; more than a model asks for in one answer. */
const HELD_COUNT_MAX = 1_024;
/** Names beyond this many count as those of tools that do not ask. */
const GOVERNED_COUNT_MAX = 10_000;

/**
 * What the adapter remembers of one run: the decisions under way, so that a batch's verdicts are all known before any of it starts,
 * and those made before the SDK executes a call, each of which is taken by one execution.
 */
export class RunBook {
  readonly #run: AnyRun;
  readonly #underWay = new Set<Promise<ToolDecision>>();
  readonly #held: Held[] = [];
  readonly #governed = new Set<string>();
  /** Settles when the call asked about last may start. */
  #last: Promise<void> | undefined;
  /** A call was held for a person in the SDK's own way since this was last taken back. */
  isWaiting: boolean = false;

  constructor(run: AnyRun) {
    this.#run = run;
  }

  /** Tools of this name ask once more when they are executed. */
  noteGoverned(name: string): void {
    if (this.#governed.size < GOVERNED_COUNT_MAX) this.#governed.add(name);
  }

  isGoverned(name: string): boolean {
    return this.#governed.has(name);
  }

  /** Decides a call before the SDK executes it. Where `keeps` says so, the call then runs with this decision and no other. */
  async foresee(call: ProposedCall, keeps: (decision: ToolDecision) => boolean): Promise<ToolDecision> {
    const decision = this.#ask(call);
    const key = keyOf(call.args);
    const held = key === undefined ? undefined : { call, key, decision };
    if (held !== undefined) this.#hold(held);
    const decided = await decision;
    if (held !== undefined && !keeps(decided)) this.#drop(held);
    return decided;
  }

  /** The decision with which a call starts, given when all decisions of its batch are made, in the order of asking. */
  decide(call: ProposedCall): Promise<ToolDecision> {
    const before = this.#last;
    const turn = this.#turn(this.#take(call) ?? this.#ask(call), before);
    this.#last = turn.then(nothing, nothing);
    return turn;
  }

  async #turn(asked: Promise<ToolDecision>, before: Promise<void> | undefined): Promise<ToolDecision> {
    const decision = await asked;
    if (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
    if (before !== undefined) await before;
    return decision;
  }

  #ask({ name, args, callId, tags, kind }: ProposedCall): Promise<ToolDecision> {
    const decision = this.#run.beforeTool({ name, args, callId, tags, kind });
    this.#underWay.add(decision);
    const forget = (): void => {
      this.#underWay.delete(decision);
    };
    decision.then(forget, forget);
    return decision;
  }

  #hold(held: Held): void {
    this.#held.push(held);
    if (this.#held.length > HELD_COUNT_MAX) this.#held.shift();
  }

  #drop(held: Held): void {
    const at = this.#held.indexOf(held);
    if (at >= 0) this.#held.splice(at, 1);
  }

  /** Ids of calls repeat on some providers, so a decision fits by tool and arguments too. */
  #take(call: ProposedCall): Promise<ToolDecision> | undefined {
    if (this.#held.length === 0) return undefined;
    const key = keyOf(call.args);
    const at = this.#held.findIndex(
      (held) =>
        held.call.name === call.name &&
        held.key === key &&
        (held.call.callId === undefined || held.call.callId === call.callId),
    );
    return at < 0 ? undefined : this.#held.splice(at, 1)[0]?.decision;
  }
}

function nothing(): void {
  // What a decision came to is for its own call to know.
}

/** The text of arguments; `undefined` where they have none, and nothing can be told to be the same. */
function keyOf(args: unknown): string | undefined {
  try {
    return JSON.stringify(args);
  } catch {
    return undefined;
  }
}

export const bookOf: (run: AnyRun) => RunBook = perRun(Symbol("handlebar.ai-sdk.book"), (run) => new RunBook(run));
