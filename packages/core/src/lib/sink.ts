import type { AuditEvent } from "@handlebar/protocol";

/**
 * Where events go. `write` may return a promise; what it throws or rejects is counted, never surfaced to the agent.
 * `flush` resolves when what was written is delivered or given up; `close` flushes within its own bound and releases.
 */
export interface Sink {
  readonly name?: string;
  write(event: AuditEvent): void | Promise<void>;
  flush?(): void | Promise<void>;
  close?(): void | Promise<void>;
}
