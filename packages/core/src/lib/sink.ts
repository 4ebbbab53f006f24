import type { AuditEvent } from "@handlebar/protocol";

/** How long a flush or close may take; what is not delivered by then is given up or kept, as the sink says. */
export interface SinkDeadline {
  readonly deadlineMs?: number | undefined;
}

/**
 * Where events go. `write` may return a promise; what it throws or rejects is counted, never surfaced to the agent.
 * `flush` resolves when what was written is delivered or given up; `close` flushes within its own bound and releases.
 */
export interface Sink {
  readonly name?: string;
  write(event: AuditEvent): void | Promise<void>;
  flush?(options?: SinkDeadline): void | Promise<unknown>;
  close?(options?: SinkDeadline): void | Promise<unknown>;
  /** As `close`, without waiting: the process is exiting and nothing asynchronous will run any more. */
  closeNow?(): unknown;
}
