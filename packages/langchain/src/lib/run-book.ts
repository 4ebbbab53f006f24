import type { ToolDecision } from "@handlebar/core";
import type { AnyRun } from "@handlebar/core/adapter";
import { type DecidedCall, HeldBatch, isPending } from "./held-batch.ts";

/** Decided calls that have not come to an end; the oldest is given up beyond it, and decided anew if it comes. */
const DECIDED_COUNT_MAX = 1024;
const BATCH_COUNT_MAX = 64;

/** What was decided of a run's calls before they reach their tools. */
export class RunBook {
  readonly #decided: DecidedCall[] = [];
  readonly #batches: HeldBatch[] = [];
  /** Decisions that a call has started with. */
  readonly #taken = new WeakSet<ToolDecision>();

  note(calls: readonly DecidedCall[]): void {
    this.#decided.push(...calls);
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
    const call = this.#decided.find(
      (one) =>
        one.before.callId === callId && !this.#taken.has(one.before) && !isPending(one) && isSame(one.asked, asked),
    );
    return call === undefined ? undefined : this.take(call.before);
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
    const at = this.#decided.findIndex((call) => call.before === before);
    if (at >= 0) this.#decided.splice(at, 1);
    for (const batch of this.#batches) batch.finish(before);
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

// By run, so that what is known of a run goes with it.
const books = new WeakMap<AnyRun, RunBook>();

export function bookOf(run: AnyRun): RunBook {
  const known = books.get(run);
  if (known !== undefined) return known;
  const made = new RunBook();
  books.set(run, made);
  return made;
}
