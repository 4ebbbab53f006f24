import { hostProcess } from "./runtime-process.ts";

/** The part of `process` that is used. */
export interface ExitHost {
  readonly pid: number;
  on(event: string, listener: () => void): unknown;
  removeListener(event: string, listener: () => void): unknown;
  listenerCount(event: string): number;
  kill(pid: number, signal: ExitSignal): unknown;
}

export type ExitSignal = "SIGTERM" | "SIGINT";

/** What has to be done before the process ends. */
export interface ExitTask {
  /** Delivers what can be delivered within the deadline. */
  flush(deadlineMs: number): Promise<unknown>;
  /** Puts away, synchronously, what could not be. */
  closeNow(): unknown;
}

export interface ExitHookOptions {
  /**
   * Also flush on SIGTERM and SIGINT, then let the signal do what it does. Default false: a library must not change what signals do
   * unless it was asked to. Where the program has its own listener for a signal, that listener decides when to exit.
   */
  readonly handleSignals?: boolean | undefined;
  /** Bound of the flush on a signal. Default 5 s. */
  readonly signalDeadlineMs?: number | undefined;
  /** Bound of the flush when the program has nothing left to do. Default 2 s. */
  readonly beforeExitDeadlineMs?: number | undefined;
  /** Default: this process, where there is one. */
  readonly host?: ExitHost | undefined;
}

const SIGNALS: readonly ExitSignal[] = ["SIGTERM", "SIGINT"];
const SIGNAL_DEADLINE_MS = 5_000;
const BEFORE_EXIT_DEADLINE_MS = 2_000;

/**
 * Runs a task before the process ends: once when it ends by itself, at `process.exit` and after an uncaught exception (synchronous part
 * only), and on signals where asked. Answers a function that takes the task away again. However many tasks there are, the process gets one
 * listener for each event.
 */
export function installExitHooks(task: ExitTask, options: ExitHookOptions = {}): () => void {
  const host = options.host ?? hostProcess();
  if (host === undefined) return () => undefined;
  const hooks = hooksOf(host);
  return hooks.add({
    task,
    handleSignals: options.handleSignals ?? false,
    signalDeadlineMs: options.signalDeadlineMs ?? SIGNAL_DEADLINE_MS,
    beforeExitDeadlineMs: options.beforeExitDeadlineMs ?? BEFORE_EXIT_DEADLINE_MS,
    hasFlushed: false,
  });
}

interface Entry {
  readonly task: ExitTask;
  readonly handleSignals: boolean;
  readonly signalDeadlineMs: number;
  readonly beforeExitDeadlineMs: number;
  hasFlushed: boolean;
}

const allHooks = new WeakMap<ExitHost, ExitHooks>();

function hooksOf(host: ExitHost): ExitHooks {
  const hooks = allHooks.get(host) ?? new ExitHooks(host);
  allHooks.set(host, hooks);
  return hooks;
}

class ExitHooks {
  readonly #host: ExitHost;
  readonly #entries = new Set<Entry>();
  readonly #listeners = new Map<string, () => void>();

  constructor(host: ExitHost) {
    this.#host = host;
  }

  add(entry: Entry): () => void {
    this.#entries.add(entry);
    this.#listen("beforeExit", () => this.#beforeExit());
    this.#listen("exit", () => this.#closeNow([...this.#entries]));
    for (const signal of entry.handleSignals ? SIGNALS : []) this.#listen(signal, () => void this.#onSignal(signal));
    return () => {
      this.#entries.delete(entry);
      if (this.#entries.size === 0) for (const event of [...this.#listeners.keys()]) this.#unlisten(event);
    };
  }

  #listen(event: string, listener: () => void): void {
    if (this.#listeners.has(event)) return;
    this.#listeners.set(event, listener);
    this.#host.on(event, listener);
  }

  #unlisten(event: string): void {
    const listener = this.#listeners.get(event);
    if (listener !== undefined) this.#host.removeListener(event, listener);
    this.#listeners.delete(event);
  }

  /** The event comes again each time the flush has given the process something to do: without a mark it would never end. */
  #beforeExit(): void {
    const fresh = [...this.#entries].filter(({ hasFlushed }) => !hasFlushed);
    for (const entry of fresh) {
      entry.hasFlushed = true;
      void flush(entry.task, entry.beforeExitDeadlineMs);
    }
  }

  async #onSignal(signal: ExitSignal): Promise<void> {
    // From here on a second signal ends the process at once, as it would without us.
    this.#unlisten(signal);
    const entries = [...this.#entries].filter(({ handleSignals }) => handleSignals);
    await Promise.all(entries.map(({ task, signalDeadlineMs }) => flush(task, signalDeadlineMs)));
    if (this.#host.listenerCount(signal) > 0) return;
    this.#closeNow([...this.#entries]);
    this.#host.kill(this.#host.pid, signal);
  }

  #closeNow(entries: readonly Entry[]): void {
    for (const { task } of entries) {
      try {
        task.closeNow();
      } catch {
        // The process is ending: the other tasks matter more than a report of this one.
      }
    }
  }
}

async function flush(task: ExitTask, deadlineMs: number): Promise<void> {
  try {
    await task.flush(deadlineMs);
  } catch {
    // As above.
  }
}
