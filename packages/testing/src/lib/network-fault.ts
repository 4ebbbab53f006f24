import type { SeededRandom } from "./seeded-random.ts";
import type { SimRequest } from "./sim-http.ts";

/** A fixed time, or one drawn evenly between two, both in milliseconds. */
export type MsRange = number | readonly [number, number];

/**
 * What goes wrong with one request.
 *
 * - `drop`: it never arrives, and the client sees a network error; `hang`: it arrives only with `delivered`, and is never answered.
 * - `delay`: it arrives later. A range reorders requests that are under way together.
 * - `reset`: the server has done what was asked, and the answer is lost in a network error.
 * - `status`: something before the server answers, with `retry-after` where given; with `delivered` the server did the work.
 * - `garbage`: a page of HTML with status 200, as a captive portal answers.
 * - `duplicate`: it arrives twice; the client sees the answer to the first.
 * - `slowBody`: the answer's body comes in pieces, `everyMs` apart.
 * - `cutBody`: the body ends in a network error after so many bytes, or (a stream) after so much time.
 */
export type NetworkFault =
  | { readonly kind: "drop" }
  | { readonly kind: "hang"; readonly delivered?: boolean | undefined }
  | { readonly kind: "delay"; readonly ms: MsRange }
  | { readonly kind: "reset" }
  | {
      readonly kind: "status";
      readonly status: number;
      /** Seconds, or a date. */
      readonly retryAfter?: number | string | undefined;
      readonly body?: string | undefined;
      readonly delivered?: boolean | undefined;
    }
  | { readonly kind: "garbage" }
  | { readonly kind: "duplicate" }
  | { readonly kind: "slowBody"; readonly pieceCount: number; readonly everyMs: MsRange }
  | { readonly kind: "cutBody"; readonly afterBytes?: number | undefined; readonly afterMs?: MsRange | undefined };

/** When a fault strikes; every field given must hold. */
export interface FaultPlan {
  readonly fault: NetworkFault;
  readonly method?: string | undefined;
  /** A beginning of the path, or an expression that is found in it. */
  readonly path?: string | RegExp | undefined;
  /** Milliseconds of the clock's elapsed time: from the first on, before the second. */
  readonly fromMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** Default 1. Drawn anew for each request. */
  readonly probability?: number | undefined;
  /** Strikes at most so often. */
  readonly times?: number | undefined;
  /** Lets so many requests that fit go by before the first strike. */
  readonly skip?: number | undefined;
  readonly match?: ((request: SimRequest) => boolean) | undefined;
}

/** The faults in force, in the order in which they were added. */
export class FaultPlans {
  readonly #random: SeededRandom;
  readonly #plans = new Map<symbol, { readonly plan: FaultPlan; seenCount: number; struckCount: number }>();

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** Puts a fault in force; what it returns takes it back. */
  add(plan: FaultPlan): () => void {
    const id = Symbol("fault");
    this.#plans.set(id, { plan, seenCount: 0, struckCount: 0 });
    return () => void this.#plans.delete(id);
  }

  clear(): void {
    this.#plans.clear();
  }

  /** All faults that strike this request. */
  strike(request: SimRequest, elapsedMs: number): readonly NetworkFault[] {
    const faults: NetworkFault[] = [];
    for (const entry of this.#plans.values()) {
      const { plan } = entry;
      if (!fits(plan, request, elapsedMs)) continue;
      entry.seenCount++;
      if (entry.seenCount <= (plan.skip ?? 0) || entry.struckCount >= (plan.times ?? Infinity)) continue;
      if (plan.probability !== undefined && !this.#random.chance(plan.probability)) continue;
      entry.struckCount++;
      faults.push(plan.fault);
    }
    return faults;
  }
}

function fits(plan: FaultPlan, request: SimRequest, elapsedMs: number): boolean {
  if (plan.method !== undefined && plan.method !== request.method) return false;
  if (elapsedMs < (plan.fromMs ?? 0) || elapsedMs >= (plan.untilMs ?? Infinity)) return false;
  if (typeof plan.path === "string" && !request.path.startsWith(plan.path)) return false;
  if (plan.path instanceof RegExp && request.path.search(plan.path) < 0) return false;
  return plan.match?.(request) !== false;
}

/** A time drawn from a range. */
export function drawMs(range: MsRange, random: SeededRandom): number {
  if (typeof range === "number") return range;
  return range[0] + random.next() * (range[1] - range[0]);
}
