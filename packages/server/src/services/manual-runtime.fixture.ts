import type { ServerRuntime } from "./server-runtime.ts";

/** A clock that stands until it is told to go on; its timers run then, in order. */
export interface ManualRuntime extends ServerRuntime {
  /** Lets time pass, and whatever timers begin with it settle. */
  advance(ms: number): Promise<void>;
  readonly timerCount: number;
}

export function manualRuntime(startMs = 1_700_000_000_000): ManualRuntime {
  let nowMs = startMs;
  let idCount = 0;
  const timers = new Map<() => void, number>();
  const due = (untilMs: number): (() => void) | undefined =>
    [...timers].filter(([, atMs]) => atMs <= untilMs).sort(([, a], [, b]) => a - b)[0]?.[0];
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    newId: () => `id-${++idCount}`,
    after: (delayMs, run) => {
      const timer = (): void => run();
      timers.set(timer, nowMs + delayMs);
      return { cancel: () => timers.delete(timer) };
    },
    advance: async (ms) => {
      const untilMs = nowMs + ms;
      for (let timer = due(untilMs); timer !== undefined; timer = due(untilMs)) {
        nowMs = Math.max(nowMs, timers.get(timer) ?? nowMs);
        timers.delete(timer);
        timer();
        await settled();
      }
      nowMs = untilMs;
      await settled();
    },
    get timerCount() {
      return timers.size;
    },
  };
}

/** Lets promises that need nothing from outside run to their end. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
