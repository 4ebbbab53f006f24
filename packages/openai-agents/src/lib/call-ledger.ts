import type { ToolDecision } from "@handlebar/core";
import { type AnyClient, type AnyRun, type Decision, isPending, perRun } from "@handlebar/core/adapter";
import { LIMITS } from "./limits.ts";

/** One call that a model asked for, as the framework identifies it. */
export interface AskedCall {
  readonly callId: string | undefined;
  readonly name: string;
  /** The arguments as the model wrote them: JSON text. */
  readonly argsText: string;
  readonly kind?: string | undefined;
}

/** A call with its decision, from the model's answer until its result is known. */
export interface LedgerCall extends AskedCall {
  decision: ToolDecision;
  /** `running`: its code was let start. */
  phase: "decided" | "running";
  /** An agent is the tool: what it runs is under the same run itself. */
  isAgent?: boolean;
}

/**
 * What one run's model calls decided and its tools have yet to do. Kept with the run itself under a registered symbol, so that
 * two copies of this package see the same.
 */
export class CallLedger {
  /** How held calls are answered: the framework's interruption, or a denial. */
  approvals: "native" | "block" = "native";
  /** The client whose run this is; absent where someone else drives the run. */
  client: AnyClient | undefined;
  /** What stops the framework's loop, given to it where the program gave no signal of its own. */
  stopSignal: AbortSignal | undefined;
  /** What the model is told of why the run ended. */
  stopMessage: string | undefined;
  readonly #calls = new Set<LedgerCall>();
  readonly #guarded = new Set<string>();
  // Made when there is something to keep: most runs have nothing of these.
  #replaced: Map<string, string> | undefined;
  #denials: Map<string, string> | undefined;
  #errors: Map<string, { readonly error: unknown }> | undefined;

  add(asked: AskedCall, decision: ToolDecision): LedgerCall {
    const call: LedgerCall = { ...asked, decision, phase: "decided" };
    this.#calls.add(call);
    if (this.#calls.size > LIMITS.openCallCountMax) {
      const [oldest] = this.#calls;
      if (oldest !== undefined) this.#calls.delete(oldest);
    }
    return call;
  }

  /** Tools of this name ask before they start. */
  noteGuarded(name: string): void {
    if (this.#guarded.size < LIMITS.guardedNameCountMax) this.#guarded.add(name);
  }

  /** Tools that came past the agents, such as those that a search loaded, do not ask. */
  isGuarded(name: string): boolean {
    return this.#guarded.has(name);
  }

  /** The decided call that this is; one that has not started comes first. */
  find(asked: AskedCall): LedgerCall | undefined {
    let running: LedgerCall | undefined;
    for (const call of this.#calls) {
      if (!isSame(call, asked)) continue;
      if (call.phase === "decided") return call;
      running = call;
    }
    return running;
  }

  findRunning(asked: AskedCall): LedgerCall | undefined {
    for (const call of this.#calls) if (call.phase === "running" && isSame(call, asked)) return call;
    return undefined;
  }

  /** Ids are the model's own, and an agent's and its sub-agent's may be the same; the name tells them apart. */
  byCallId(callId: string, name?: string): LedgerCall | undefined {
    return [...this.#calls].find((call) => call.callId === callId && (name === undefined || call.name === name));
  }

  /** The calls that no result was seen of, oldest first. */
  open(): readonly LedgerCall[] {
    return this.#calls.size === 0 ? [] : [...this.#calls];
  }

  /** Whether a call of this name waits for a person; `callId` narrows it to one. */
  isHeld(name: string, callId?: string): boolean {
    if (this.approvals === "block" || this.#calls.size === 0) return false;
    return [...this.#calls].some(
      (call) => call.name === name && isPending(call.decision) && (callId === undefined || call.callId === callId),
    );
  }

  /** Whether every open call of this name waits for a person. */
  isEveryHeld(name: string): boolean {
    return [...this.#calls].every((call) => call.name !== name || isPending(call.decision));
  }

  /** Code of a tool is running, other than an agent that the run governs itself. */
  get hasRunningCode(): boolean {
    return [...this.#calls].some((call) => call.phase === "running" && call.isAgent !== true);
  }

  settle(call: LedgerCall): void {
    this.#calls.delete(call);
  }

  /** The model is to read `text` as the result of this call, in this request and every later one. */
  replaceResult(callId: string, text: string): void {
    this.#replaced ??= new Map();
    remember(this.#replaced, callId, text);
  }

  replacedResult(callId: string): string | undefined {
    return this.#replaced?.get(callId);
  }

  /** The model was told `text` in place of this call's result. */
  noteDenial(callId: string, text: string): void {
    this.#denials ??= new Map();
    remember(this.#denials, callId, text);
  }

  denial(callId: string): string | undefined {
    return this.#denials?.get(callId);
  }

  /** The code of this call threw; kept until its output is known. */
  noteError(callId: string, error: unknown): void {
    this.#errors ??= new Map();
    remember(this.#errors, callId, { error });
  }

  takeError(callId: string): { readonly error: unknown } | undefined {
    const noted = this.#errors?.get(callId);
    this.#errors?.delete(callId);
    return noted;
  }

  /** Keeps the message of the decision that ended the run. */
  noteStop(decisions: readonly Decision[]): void {
    this.stopMessage ??= decisions.find(({ control }) => control === "TERMINATE")?.message;
  }
}

function remember<T>(kept: Map<string, T>, callId: string, value: T): void {
  kept.set(callId, value);
  if (kept.size <= LIMITS.notedCallCountMax) return;
  const [oldest] = kept.keys();
  if (oldest !== undefined) kept.delete(oldest);
}

function isSame(call: LedgerCall, asked: AskedCall): boolean {
  return (
    call.name === asked.name &&
    call.argsText === asked.argsText &&
    (asked.callId === undefined || call.callId === asked.callId)
  );
}

/** The ledger of a run, for every copy of this package. */
export const ledgerOf: (run: AnyRun) => CallLedger = perRun(
  Symbol.for("handlebar.openai-agents.ledger.v1"),
  () => new CallLedger(),
);
