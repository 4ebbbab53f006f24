import { type BackoffBounds, backoffMs, serverDelayMs } from "./retry-delay.ts";
import { SINK_BOUNDS } from "./sink-bounds.ts";

export interface PacingBounds extends BackoffBounds {
  readonly retryAfterMaxMs: number;
  readonly authRetryMs: number;
}

/** When the sender may try next. */
export class Pacing {
  readonly #bounds: PacingBounds;
  readonly #random: () => number;
  #failureCount = 0;
  #refusalCount = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #ownChoice = true;

  constructor(bounds: PacingBounds, random: () => number) {
    this.#bounds = bounds;
    this.#random = random;
  }

  /** Whether the last attempt reached a control plane that answers. */
  get healthy(): boolean {
    return this.#failureCount === 0;
  }

  waitMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs);
  }

  succeeded(): void {
    this.#failureCount = 0;
    this.#refusalCount = 0;
  }

  /** `retryAfterMs` is the server's own word, which is never undercut. */
  failed(nowMs: number, retryAfterMs?: number): void {
    this.#failureCount++;
    this.#ownChoice = retryAfterMs === undefined;
    const delayMs =
      retryAfterMs === undefined
        ? backoffMs(this.#failureCount, this.#bounds, this.#random)
        : serverDelayMs(retryAfterMs, this.#bounds, this.#random);
    this.#notBeforeMs = nowMs + delayMs;
  }

  /** A refusal is an answer; many in a row are as good as a failure. */
  refused(nowMs: number): void {
    this.#refusalCount++;
    if (this.#refusalCount > SINK_BOUNDS.refusalCountMax) this.failed(nowMs);
  }

  unauthorised(nowMs: number): void {
    this.#failureCount++;
    this.#ownChoice = false;
    this.#notBeforeMs = nowMs + this.#bounds.authRetryMs;
  }

  /** Ends a wait that nobody asked for. */
  cutBackoff(): void {
    if (this.#ownChoice) this.#notBeforeMs = Number.NEGATIVE_INFINITY;
  }
}
