import type { ToolDecision } from "@handlebar/core";
import { type AnyRun, perRun } from "@handlebar/core/adapter";
import { type DecidedCall, HeldBatch, isPending } from "./held-batch.ts";

/** Decided calls that have not come to an end; the oldest is given up beyond it, and decided anew if it comes. */
const DECIDED_COUNT_MAX = 1024;
const BATCH_COUNT_MAX = 64;

/** A call as a model asked for it, before its arguments were read with the tool's schema. */
export interface GivenArgs {
  readonly tool: unknown;
  readonly args: unknown;
}

interface NotedCall {
  readonly call: DecidedCall;
  readonly tool: unknown;
  readonly argsText: string | symbol | undefined;
}

/** What was decided of a run's calls before they reach their tools. */
export class RunBook {
  readonly #decided: NotedCall[] = [];
  readonly #batches: HeldBatch[] = [];
  /** Decisions that a call has started with. */
  readonly #taken = new WeakSet<ToolDecision>();

  /** `given`: for each call, how the model asked for it, where that is known. */
  note(calls: readonly DecidedCall[], given: readonly GivenArgs[] = []): void {
    for (const [at, call] of calls.entries()) {
      const from = given[at];
      this.#decided.push({ call, tool: from?.tool, argsText: from === undefined ? undefined : textOf(from.args) });
    }
    if (this.#decided.length > DECIDED_COUNT_MAX) this.#decided.splice(0, this.#decided.length - DECIDED_COUNT_MAX);
  }

  /** The calls wait for each other. */
  hold(run: AnyRun, calls: readonly DecidedCall[], from: "decided" | "kept"): HeldBatch {
    const batch = new HeldBatch(run, calls, from);
    this.#batches.push(batch);
    if (this.#batches.length > BATCH_COUNT_MAX) this.#batches.shift();
    return batch;
  }

  batchOf(callId: string): HeldBatch | undefined {
    return this.#batches.findLast((batch) => batch.has(callId));
  }

  /**
   * Takes what was decided on exactly this call; edited arguments are another call. A decision is for one execution: what another has
   * taken, such as where a graph is resumed twice at once, is not given again.
   */
  takeDecision(callId: string, asked: unknown): ToolDecision | undefined {
    return this.#takeFirst(({ call }) => call.before.callId === callId && isSame(call.asked, asked));
  }

  /** The same for a call as the model asked for it: nothing has to be read again that one schema reads alike. */
  takeDecisionOnGiven(callId: string, { tool, args }: GivenArgs): ToolDecision | undefined {
    return this.#takeFirst(
      (noted) => noted.call.before.callId === callId && noted.tool === tool && noted.argsText === textOf(args),
    );
  }

  take(before: ToolDecision): ToolDecision {
    this.#taken.add(before);
    return before;
  }

  /** The call was interrupted, and starts anew with this decision when its graph goes on. */
  giveBack(before: ToolDecision): void {
    this.#taken.delete(before);
  }

  isTaken(before: ToolDecision): boolean {
    return this.#taken.has(before);
  }

  /** The call has run: asked for again, it is decided anew. */
  finish(before: ToolDecision): void {
    const at = this.#decided.findIndex(({ call }) => call.before === before);
    if (at >= 0) this.#decided.splice(at, 1);
    for (const batch of this.#batches) batch.finish(before);
  }

  #takeFirst(isIt: (noted: NotedCall) => boolean): ToolDecision | undefined {
    const found = this.#decided.find(
      (noted) => !this.#taken.has(noted.call.before) && !isPending(noted.call) && isIt(noted),
    );
    return found === undefined ? undefined : this.take(found.call.before);
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || textOf(one) === textOf(other);
}

/** Arguments that have no JSON form are never the same. */
function textOf(value: unknown): string | symbol {
  try {
    return JSON.stringify(value) ?? Symbol("absent");
  } catch {
    return Symbol("unreadable");
  }
}

/** What was decided of a run's calls. */
export const bookOf: (run: AnyRun) => RunBook = perRun(Symbol("handlebar.langchain.book"), () => new RunBook());
