import type { Runtime } from "@handlebar/core";
import { EventLoop } from "./event-loop.ts";

export interface FakeClockOptions {
  /** Wall time at the start, epoch milliseconds. Default 2026-01-05T12:00:00Z, a Monday. */
  readonly startMs?: number | undefined;
  /**
   * Says whether real work that the clock cannot see is under way, such as a thread that compresses. While it answers true, every
   * step waits for the host's event loop; ten seconds of it are an error. Absent: nothing of that kind is awaited.
   */
  readonly isBusy?: (() => boolean) | undefined;
}

export interface PendingTimer {
  readonly dueInMs: number;
  readonly keepAlive: boolean;
}

/**
 * Time that moves only when it is told to. Before and after each timer, everything that waits for nothing but resolved
 * promises runs to its end, however deep the chain: each step lets the host's event loop turn once.
 *
 * Real input and output is outside of fake time: a compression stream, a socket or a file finishes when it finishes. Turn it off
 * in what you simulate (`compress: false` of the HTTP sink), or say through `isBusy` when to wait for it.
 */
export interface FakeClock {
  /** The clock of a `Runtime`. */
  readonly clock: Runtime["clock"];
  /** The timers of a `Runtime`. */
  readonly timers: Runtime["timers"];
  /** Milliseconds that passed on the monotonic clock since the start. */
  readonly elapsedMs: number;
  /** Lets time pass: timers that fall due run in order, each at its own time. What a timer throws rejects. */
  advance(ms: number): Promise<void>;
  /** Lets what is ready run, at this instant: promises, and timers that are due now. */
  settle(): Promise<void>;
  /**
   * Lets time pass until the predicate holds or the promise is settled, and answers what the promise does.
   * Rejects when `maxMs` (default ten minutes) passed before.
   */
  runUntil(until: () => boolean, maxMs?: number): Promise<void>;
  runUntil<T>(until: PromiseLike<T>, maxMs?: number): Promise<T>;
  /** Moves wall time alone, as when a clock is corrected; timers and durations do not notice. May be negative. */
  stepWall(ms: number): void;
  /** A process that was frozen: both clocks jump, then everything that fell due runs, late. */
  freeze(ms: number): Promise<void>;
  /** Timers that are set and have not run, in the order in which they will. */
  pendingTimers(): readonly PendingTimer[];
}

const START_MS = Date.UTC(2026, 0, 5, 12);
const RUN_MAX_MS = 600_000;
/** Timers that one call may run: far above any test, and far below what a loop of zero-delay timers reaches. */
const TIMER_COUNT_MAX = 2_000_000;

interface SetTimer {
  readonly callback: () => void;
  readonly dueMs: number;
  readonly order: number;
  readonly keepAlive: boolean;
}

/** A clock that stands at `startMs` until it is advanced. */
export function createFakeClock(options: FakeClockOptions = {}): FakeClock {
  return new Clock(options);
}

class Clock implements FakeClock {
  readonly clock: Runtime["clock"];
  readonly timers: Runtime["timers"];
  readonly #loop: EventLoop;
  readonly #set = new Set<SetTimer>();
  #wallOffsetMs: number;
  #nowMs = 0;
  #order = 0;
  #isMoving = false;

  constructor({ startMs = START_MS, isBusy }: FakeClockOptions) {
    this.#wallOffsetMs = startMs;
    this.#loop = new EventLoop(isBusy);
    this.clock = { nowMs: () => this.#nowMs + this.#wallOffsetMs, monotonicMs: () => this.#nowMs };
    this.timers = {
      set: (callback, delayMs, timerOptions) => {
        // As hosts do: what is no number of milliseconds to wait is none at all.
        const waitMs = delayMs > 0 ? delayMs : 0;
        const keepAlive = timerOptions?.keepAlive === true;
        const timer: SetTimer = { callback, dueMs: this.#nowMs + waitMs, order: this.#order++, keepAlive };
        this.#set.add(timer);
        return { cancel: () => void this.#set.delete(timer) };
      },
    };
  }

  get elapsedMs(): number {
    return this.#nowMs;
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.#move(async () => {
      await this.#runTo(untilMs, () => false);
    });
  }

  settle(): Promise<void> {
    return this.advance(0);
  }

  async runUntil<T>(until: PromiseLike<T> | (() => boolean), maxMs: number = RUN_MAX_MS): Promise<T | undefined> {
    const watched = typeof until === "function" ? undefined : watch(until);
    const isDone = typeof until === "function" ? until : () => watched?.isSettled === true;
    const untilMs = this.#nowMs + maxMs;
    const done = await this.#move(() => this.#runTo(untilMs, isDone));
    if (!done) {
      throw new Error(`not done after ${maxMs} ms of fake time; ${this.#set.size} timers are set, see pendingTimers()`);
    }
    return watched === undefined ? undefined : await watched.promise;
  }

  stepWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  async freeze(ms: number): Promise<void> {
    this.#nowMs += ms;
    await this.settle();
  }

  pendingTimers(): readonly PendingTimer[] {
    return [...this.#set]
      .sort(byDue)
      .map(({ dueMs, keepAlive }) => ({ dueInMs: Math.max(0, dueMs - this.#nowMs), keepAlive }));
  }

  /** Runs due timers up to `untilMs`, or until `isDone`; answers whether it was. */
  async #runTo(untilMs: number, isDone: () => boolean): Promise<boolean> {
    for (let count = 0; count < TIMER_COUNT_MAX; count++) {
      await this.#loop.turn();
      if (isDone()) return true;
      const next = this.#next();
      if (next === undefined || next.dueMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        await this.#loop.turn();
        // What ran just now may have set a timer for this very instant.
        if ((this.#next()?.dueMs ?? Infinity) > untilMs) return isDone();
        continue;
      }
      this.#set.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    throw new Error(`${TIMER_COUNT_MAX} timers ran without an end; something sets timers in a loop`);
  }

  #next(): SetTimer | undefined {
    let first: SetTimer | undefined;
    for (const timer of this.#set) if (first === undefined || byDue(timer, first) < 0) first = timer;
    return first;
  }

  async #move<T>(run: () => Promise<T>): Promise<T> {
    if (this.#isMoving) throw new Error("the clock is already moving; await one call before the next");
    this.#isMoving = true;
    this.#loop.open();
    try {
      return await run();
    } finally {
      this.#loop.close();
      this.#isMoving = false;
    }
  }
}

function byDue(a: SetTimer, b: SetTimer): number {
  return a.dueMs - b.dueMs || a.order - b.order;
}

function watch<T>(source: PromiseLike<T>): { readonly promise: Promise<T>; readonly isSettled: boolean } {
  const watched = { promise: Promise.resolve(source), isSettled: false };
  const mark = (): void => {
    watched.isSettled = true;
  };
  watched.promise.then(mark, mark);
  return watched;
}
