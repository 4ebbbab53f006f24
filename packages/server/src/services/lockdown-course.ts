import type { LockdownAck } from "../storage/lockdowns-table.ts";

/** How acknowledgements of one stop order came in. */
export interface LockdownCourse {
  /** Clients that ran when the order was given and obeyed it, those included that have ended since. */
  readonly stoppedCount: number;
  /** Clients that started while it was in force, and obeyed it from their first word on. */
  readonly startedCount: number;
  /** From the order to the acknowledgements of those that ran, in milliseconds. */
  readonly ackMs: { readonly p50: number; readonly p99: number; readonly last: number } | undefined;
  /** How many had obeyed after how many milliseconds. */
  readonly points: readonly { readonly afterMs: number; readonly acknowledgedCount: number }[];
}

/** Told from each client's first acknowledgement, oldest first; of more than `pointCountMax` points every so many are given, and the last one. */
export function lockdownCourse(
  acks: readonly LockdownAck[],
  { createdAtMs, pointCountMax }: { readonly createdAtMs: number; readonly pointCountMax: number },
): LockdownCourse {
  // The clocks of two processes of the control plane may differ.
  const afterMs = acks.filter((ack) => !ack.isFromStart).map((ack) => Math.max(0, ack.ackedAtMs - createdAtMs));
  const all = afterMs.map((ms, at) => ({ afterMs: ms, acknowledgedCount: at + 1 }));
  const distinct = all.filter((point, at) => all[at + 1]?.afterMs !== point.afterMs);
  const step = Math.ceil(distinct.length / pointCountMax);
  const points = distinct.filter((_, at) => (distinct.length - 1 - at) % step === 0);
  const last = afterMs.at(-1);
  return {
    stoppedCount: afterMs.length,
    startedCount: acks.length - afterMs.length,
    ackMs: last === undefined ? undefined : { p50: share(afterMs, 0.5), p99: share(afterMs, 0.99), last },
    points,
  };
}

/** Of a list in order: the value that this share of it does not exceed. */
function share(inOrder: readonly number[], part: number): number {
  return inOrder[Math.max(0, Math.ceil(inOrder.length * part) - 1)] ?? 0;
}
