import type {
  Actor,
  BudgetKey,
  JsonValue,
  Lockdown,
  Message,
  Metrics,
  Model,
  Phase,
  Subject,
} from "@handlebar/protocol";
import type { RunState } from "./run-state.ts";

/** Stands where a value could not be had: a user's function threw or was too slow, or a bound was exceeded. */
export const UNKNOWN: unique symbol = Symbol.for("handlebar.unknown");
export type Unknown = typeof UNKNOWN;

/** Everything a decision may depend on. Same facts, same decision, on every machine. */
export interface Facts {
  readonly phase: Phase;
  /** The clock, epoch milliseconds. */
  readonly nowMs: number;
  readonly agent: AgentFacts;
  readonly actor?: Actor | undefined;
  readonly run: RunFacts;
  /** The proposed or finished tool call; present in the `tool` phases. */
  readonly call?: CallFacts | undefined;
  /** The request or response; present in the `llm` phases. */
  readonly llm?: LlmFacts | undefined;
  /** Metrics of this call that are known by now. */
  readonly metrics?: Metrics | undefined;
  /** What the user's extractor found; `UNKNOWN` when it failed. Asked for by `needs`. */
  readonly subjects?: readonly Subject[] | Unknown | undefined;
  /** Values of the user's signal functions by name; asked for by `needs`. */
  readonly signals?: ReadonlyMap<string, JsonValue | Unknown | undefined> | undefined;
  /** Answers of the host's custom conditions by the key that `needs` gave. */
  readonly customs?: ReadonlyMap<string, boolean | Unknown> | undefined;
  /** Readings of windows that reach beyond this run; absent means none is available. */
  readonly shared?: SharedReadings | undefined;
  /** Stop orders in force, whomever they cover. */
  readonly lockdowns?: readonly Lockdown[] | undefined;
  /** The approval that exists for exactly this call, if any. */
  readonly approval?: ApprovalFact | undefined;
  readonly failClosed: boolean;
  /** `shadow` evaluates everything and changes nothing. */
  readonly enforceMode: "enforce" | "shadow";
}

export interface AgentFacts {
  readonly slug: string;
  readonly tags: readonly string[];
}

export interface RunFacts {
  readonly runId: string;
  readonly sessionId?: string | undefined;
  readonly startedAtMs: number;
  readonly status: "open" | "ended" | "terminated";
  readonly tags: Readonly<Record<string, string>>;
  /** Plain JSON. */
  readonly context: JsonValue;
  /** History, run-scoped windows, labels and origins; changed only by the `note…` functions. */
  readonly state: RunState;
}

export interface ToolFacts {
  readonly name: string;
  /** The tool's tags, its classification tag included. */
  readonly tags: readonly string[];
  readonly kind?: string | undefined;
}

export interface CallFacts {
  readonly callId: string;
  readonly tool: ToolFacts;
  /** Plain JSON (`toPlain`). */
  readonly args: JsonValue;
  /** Reading the arguments exceeded a bound: conditions on them are unknown. */
  readonly argsExceeded?: boolean | undefined;
  /** In `tool.after`: what the tool returned, as plain JSON. */
  readonly result?: JsonValue | undefined;
  readonly resultExceeded?: boolean | undefined;
  /** In `tool.after`: what the tool threw. */
  readonly error?: { readonly name?: string | undefined; readonly message: string } | undefined;
  readonly durationMs?: number | undefined;
}

export interface LlmFacts {
  readonly callId: string;
  readonly model?: Model | undefined;
  /** In `llm.before`: what goes to the model. */
  readonly messages?: readonly Message[] | undefined;
  /** In `llm.after`: what came back. */
  readonly response?: Message | undefined;
}

export interface ApprovalFact {
  readonly approvalId: string;
  readonly status: "pending" | "approved" | "denied";
  readonly by?: string | undefined;
  /** With `denied`: the arguments with which a person allowed the call in place of its own. */
  readonly instead?: JsonValue | undefined;
}

/** One window beyond the run that a matching rule may read. */
export interface SharedNeed {
  readonly key: BudgetKey;
  /** `calls` for `maxCalls`, else the metric's name. */
  readonly metric: string;
  readonly aggregate: "sum" | "avg" | "max" | "min" | "count";
  readonly windowMs: number;
  /** The threshold that the rule compares with; for `maxCalls` its `max`. */
  readonly limit: number;
  /** The most that the window may hold before the rule holds; absent where no ceiling is what it asks for, so that it cannot be shared out. */
  readonly ceiling?: number | undefined;
  /** What this call will add: 1, or the rule's estimate. */
  readonly amount: number;
  /** The rule asks for an exact reading. */
  readonly exact: boolean;
}

export interface SharedReading {
  /** The aggregate over the window, calls in flight included, this call not; `null` for the `avg`, `max` or `min` of nothing. */
  readonly value: number | null;
  /** What is used of the window, as far as is known, where `value` counts what others may use as well. Absent: `value`. */
  readonly used?: number | undefined;
  /** Epoch milliseconds at which the window has room again, where that is known. */
  readonly resetAtMs?: number | undefined;
}

/** Reads shared windows; `undefined` means out of reach. Synchronous: whoever calls `decide` fetched what `needs` named. */
export interface SharedReadings {
  read(need: SharedNeed): SharedReading | undefined;
}

/** What must be fetched before `decide` can be asked about these facts. */
export interface Needs {
  readonly subjects: boolean;
  readonly signals: readonly string[];
  readonly customs: readonly { readonly key: string; readonly name: string; readonly args: JsonValue | undefined }[];
  readonly shared: readonly SharedNeed[];
}
