import type { NetworkFault } from "./network-fault.ts";

/** One request that was made, and what became of it. */
export interface RecordedRequest {
  /** From 0, in the order in which requests were made. */
  readonly index: number;
  /** Elapsed time of the clock when it was made, and when it was answered or failed. */
  readonly atMs: number;
  readonly endedAtMs?: number | undefined;
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
  /** The body as text; meaningless where `content-encoding` is set. */
  readonly text: string;
  readonly faults: readonly NetworkFault["kind"][];
  /** How often the handler saw it. */
  readonly deliveredCount: number;
  readonly outcome: "pending" | "answered" | "failed" | "aborted";
  readonly status?: number | undefined;
}

/** A record while its request is under way. */
export type OpenRecord = { -readonly [K in keyof RecordedRequest]: RecordedRequest[K] };
