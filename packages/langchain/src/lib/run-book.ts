import type { ToolDecision } from "@handlebar/core";
import type { AnyRun } from "@handlebar/core/adapter";
import { type DecidedCall, HeldBatch, isPending } from "./held-batch.ts";
import { perRun } from "./per-run.ts";

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

  /** What was decided on exactly this call; edited arguments are another call. */
  decisionOn(callId: string, asked: unknown): ToolDecision | undefined {
    const noted = this.#decided.find(({ call }) => call.before.callId === callId && isSame(call.asked, asked));
    return decisionOf(noted);
  }

  /** The same for a call as the model asked for it: nothing has to be read again that one schema reads alike. */
  decisionOnGiven(callId: string, { tool, args }: GivenArgs): ToolDecision | undefined {
    const noted = this.#decided.find((one) => one.call.before.callId === callId && one.tool === tool);
    return noted !== undefined && noted.argsText === textOf(args) ? decisionOf(noted) : undefined;
  }

  /** The call has run: asked for again, it is decided anew. */
  finish(before: ToolDecision): void {
    const at = this.#decided.findIndex(({ call }) => call.before === before);
    if (at >= 0) this.#decided.splice(at, 1);
    this.batchOf(before.callId)?.finish(before.callId);
  }
}

function decisionOf(noted: NotedCall | undefined): ToolDecision | undefined {
  return noted === undefined || isPending(noted.call) ? undefined : noted.call.before;
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
export const bookOf: (run: AnyRun) => RunBook = perRun("book", () => new RunBook());
