import { SINK_BOUNDS } from "./sink-bounds.ts";

/** Has a sink that keeps failing left alone for a while. */
export class SinkBreaker {
  #failuresMs: readonly number[] = [];
  #openUntilMs = Number.NEGATIVE_INFINITY;

  isOpen(nowMs: number): boolean {
    return nowMs < this.#openUntilMs;
  }

  /** Whether this failure opened the breaker. */
  failed(nowMs: number): boolean {
    const recent = [...this.#failuresMs, nowMs].filter((ms) => nowMs - ms < SINK_BOUNDS.sinkFailureWindowMs);
    this.#failuresMs = recent.slice(-SINK_BOUNDS.sinkFailureCount);
    if (recent.length < SINK_BOUNDS.sinkFailureCount) return false;
    this.#failuresMs = [];
    this.#openUntilMs = nowMs + SINK_BOUNDS.sinkPauseMs;
    return true;
  }
}
