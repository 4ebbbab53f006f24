import {
  createRunState,
  labelsOf,
  notePrompt,
  type PolicySet,
  type RunFacts,
  type RunState,
  seedLabels,
} from "@handlebar/engine";
import { RUN_PROMPT_COUNT_MAX, RUN_STATUS_COUNT_MAX, RUN_STATUS_TTL_MS } from "../limits.ts";
import type { Store } from "../storage/store.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import { type HeldState, StateBook, type StateKey } from "./state-book.ts";

export interface RunKey {
  readonly workspaceId: string;
  readonly runId: string;
  readonly sessionId: string | undefined;
}

/** A run while one request decides for it. */
export interface HeldRun {
  readonly status: RunFacts["status"];
  readonly startedAtMs: number;
  readonly state: RunState;
  /** What is noted in `state` is kept. Where it is not, nothing that is decided reads it, and nothing need be noted. */
  readonly isKept: boolean;
  /** Says that `state` was changed. */
  touch(): void;
  /** No further call of the run is let through. */
  terminate(): void;
  /** Notes what the user or the developer wrote, each text once. */
  notePrompts(set: PolicySet, texts: readonly string[]): void;
  /** Gives the run labels. */
  addLabels(labels: readonly string[]): void;
  /** Gives the next runs of the session labels. */
  keepForSession(labels: readonly string[]): void;
}

export interface RunMemoryDeps {
  readonly store: Pick<Store, "kind" | "runs" | "runStates">;
  readonly runtime: Pick<ServerRuntime, "nowMs" | "monotonicMs">;
}

/** What is known of a run beside its state. */
interface Known {
  readonly key: RunKey;
  status: RunFacts["status"];
  startedAtMs: number;
  readAtMs: number;
  readonly sessionLabels: Set<string>;
}

/** What the server remembers of the runs that it decides for, durable before anything is answered. */
export class RunMemory {
  readonly #deps: RunMemoryDeps;
  readonly #book: StateBook;
  readonly #isSoleWriter: boolean;
  /** The one used last stands last. */
  readonly #known = new Map<string, Known>();

  constructor(deps: RunMemoryDeps) {
    this.#deps = deps;
    this.#isSoleWriter = deps.store.kind === "sqlite";
    this.#book = new StateBook({
      table: deps.store.runStates,
      isSoleWriter: this.#isSoleWriter,
      runtime: deps.runtime,
      begin: (key, state) => this.#begin(key, state),
    });
  }

  /**
   * Does `work` on a run. Where nothing reads the run's state (`remembers` false), it is not loaded, kept or written, unless a decision
   * ends the run. Else `work` has the run for itself, and may be done again when another process changed the run in between.
   */
  async use<T>(key: RunKey, remembers: boolean, work: (run: HeldRun) => Promise<T>): Promise<T> {
    const known = await this.#lookUp(key);
    const stateKey = { workspaceId: key.workspaceId, stateId: key.runId };
    if (remembers) {
      const { result, isTerminated } = await this.#book.use(stateKey, async (held) => {
        const run = new Held(known, held);
        return { result: await this.#work(known, run, work), isTerminated: run.isTerminating };
      });
      if (isTerminated) known.status = "terminated";
      return result;
    }
    const run = new Held(known, new PassingState(known));
    const result = await this.#work(known, run, work);
    if (!run.isTerminating) return result;
    await this.#book.use(stateKey, (held) => Promise.resolve(held.terminate()));
    known.status = "terminated";
    return result;
  }

  /** A run was ended by its client. */
  ended(workspaceId: string, runId: string): void {
    const known = this.#known.get(nameOf(workspaceId, runId));
    if (known?.status === "open") known.status = "ended";
  }

  async #work<T>(known: Known, run: Held, work: (run: HeldRun) => Promise<T>): Promise<T> {
    const result = await work(run);
    const { sessionId, workspaceId } = known.key;
    const labels = run.sessionLabels.filter((label) => !known.sessionLabels.has(label));
    if (sessionId === undefined || labels.length === 0) return result;
    await this.#deps.store.runStates.addSessionLabels(workspaceId, sessionId, labels, this.#deps.runtime.nowMs());
    for (const label of labels) known.sessionLabels.add(label);
    return result;
  }

  async #lookUp(key: RunKey): Promise<Known> {
    const name = nameOf(key.workspaceId, key.runId);
    const nowMs = this.#deps.runtime.monotonicMs();
    const known = this.#known.get(name);
    if (known !== undefined && (this.#isSoleWriter || nowMs - known.readAtMs < RUN_STATUS_TTL_MS)) return known;
    const read = await this.#read(key, nowMs);
    // Another request may have read it meanwhile; what that one knows beside stays.
    const entry = this.#known.get(name) ?? read;
    if (entry.status !== "terminated") entry.status = read.status;
    entry.readAtMs = nowMs;
    this.#known.delete(name);
    this.#known.set(name, entry);
    const [oldest] = this.#known.keys();
    if (this.#known.size > RUN_STATUS_COUNT_MAX && oldest !== undefined) this.#known.delete(oldest);
    return entry;
  }

  async #read(key: RunKey, readAtMs: number): Promise<Known> {
    const { runs, runStates } = this.#deps.store;
    const [run, state] = await Promise.all([
      runs.get(key.workspaceId, key.runId),
      runStates.get(key.workspaceId, key.runId),
    ]);
    const ended = run?.endedAtMs === undefined ? "open" : "ended";
    return {
      key,
      status: state?.isTerminated === true ? "terminated" : ended,
      startedAtMs: state?.startedAtMs ?? run?.startedAtMs ?? this.#deps.runtime.nowMs(),
      readAtMs,
      sessionLabels: new Set(),
    };
  }

  async #begin({ workspaceId, stateId }: StateKey, state: RunState): Promise<{ startedAtMs: number }> {
    const known = this.#known.get(nameOf(workspaceId, stateId));
    const sessionId = known?.key.sessionId;
    if (known !== undefined && sessionId !== undefined) {
      const labels = await this.#deps.store.runStates.sessionLabels(workspaceId, sessionId);
      seedLabels(state.flow, labels);
      for (const label of labels) known.sessionLabels.add(label);
    }
    return { startedAtMs: known?.startedAtMs ?? this.#deps.runtime.nowMs() };
  }
}

class Held implements HeldRun {
  sessionLabels: readonly string[] = [];
  isTerminating = false;
  readonly isKept: boolean;
  readonly #known: Known;
  readonly #held: HeldState;

  constructor(known: Known, held: HeldState) {
    this.#known = known;
    this.#held = held;
    this.isKept = !(held instanceof PassingState);
  }

  get status(): RunFacts["status"] {
    return this.isTerminating || this.#held.isTerminated ? "terminated" : this.#known.status;
  }

  get startedAtMs(): number {
    return this.#held.startedAtMs;
  }

  get state(): RunState {
    return this.#held.state;
  }

  touch(): void {
    this.#held.touch();
  }

  terminate(): void {
    this.isTerminating = true;
    this.#held.terminate();
  }

  notePrompts(set: PolicySet, texts: readonly string[]): void {
    const noted = NOTED.get(this.state) ?? new Set<string>();
    NOTED.set(this.state, noted);
    for (const text of texts) {
      if (noted.has(text)) continue;
      if (noted.size < RUN_PROMPT_COUNT_MAX) noted.add(text);
      notePrompt(set, this.state, text);
      this.touch();
    }
  }

  addLabels(labels: readonly string[]): void {
    const had = new Set(labelsOf(this.state));
    if (labels.every((label) => had.has(label))) return;
    seedLabels(this.state.flow, labels);
    this.touch();
  }

  keepForSession(labels: readonly string[]): void {
    this.sessionLabels = labels;
  }
}

/** Prompts that were noted in a state, as long as it is in memory. */
const NOTED = new WeakMap<RunState, Set<string>>();

/** Stands in for the state of a run that nothing reads. */
class PassingState implements HeldState {
  readonly state: RunState = BLANK;
  readonly startedAtMs: number;
  readonly isTerminated: boolean;

  constructor({ startedAtMs, status }: Known) {
    this.startedAtMs = startedAtMs;
    this.isTerminated = status === "terminated";
  }

  touch(): void {
    // Nothing is kept.
  }

  terminate(): void {
    // `RunMemory` writes it.
  }
}

/** Never changed: nothing is noted in a state that is not kept. */
const BLANK: RunState = createRunState();

function nameOf(workspaceId: string, runId: string): string {
  return `${workspaceId}\n${runId}`;
}
