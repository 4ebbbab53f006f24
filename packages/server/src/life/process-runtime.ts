import { performance } from "node:perf_hooks";
import { uuidv7 } from "uuidv7";
import type { ServerRuntime } from "../services/server-runtime.ts";

/** Clock, timers and ids of this process. */
export function processRuntime(): ServerRuntime {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    newId: uuidv7,
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs).unref();
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
