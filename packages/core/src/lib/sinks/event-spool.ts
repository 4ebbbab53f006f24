import type { SerialisedEvent } from "../events/serialise-event.ts";
import type { DropReason } from "./drop-ledger.ts";

/** Where one event lies in a spool. */
export interface SpoolReceipt {
  readonly segment: object;
  readonly line: number;
}

/** An event that was read back. */
export interface SpooledEvent extends SerialisedEvent {
  readonly receipt: SpoolReceipt;
  /** Whether an earlier or ended process wrote it. */
  readonly recovered: boolean;
}

export type SpoolLossReason = Extract<DropReason, "spool_full" | "spool_expired">;

/** Stored events that the spool had to give up. */
export interface SpoolLoss {
  readonly reason: SpoolLossReason;
  readonly events: readonly SerialisedEvent[];
  readonly recovered: boolean;
}

/**
 * Events on disk. Each line is either *held* (also in memory, being sent) or *stored* (on disk alone). No method throws; what
 * cannot be written is said by the answer.
 */
export interface EventSpool {
  /** `overflow` stores what memory has no room for; `wal` writes every event through before it is sent. */
  readonly mode: "overflow" | "wal";
  /** Called once, before anything else. */
  open(hooks: { readonly onLoss: (loss: SpoolLoss) => void }): void;
  /** `undefined` when it could not be written. */
  write(event: SerialisedEvent, state: "held" | "stored"): SpoolReceipt | undefined;
  /** The held event leaves memory and stays on disk; false when the spool had to give its place up meanwhile. */
  store(receipt: SpoolReceipt): boolean;
  /** The event was delivered or dropped for good. */
  release(receipt: SpoolReceipt): void;
  /** Reads stored events, oldest first, and holds them. */
  read(countMax: number, sizeBytesMax: number): readonly SpooledEvent[];
  /** Leaves what is stored for the next process. */
  close(): void;
}
