import type { TrafficStep } from "./traffic.ts";

/** What a row says, or why it cannot be read. */
export type RowReading =
  | { readonly ok: true; readonly steps: readonly TrafficStep[] }
  | { readonly ok: false; readonly reason: string };

export function wrongRow(reason: string): RowReading {
  return { ok: false, reason };
}
