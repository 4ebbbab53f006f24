import type { JsonObject } from "@handlebar/protocol";
import type { Page, PageRequest } from "./page.ts";

/** What somebody did in the control plane: one line of the log that nothing is taken from. */
export interface AuditEntry {
  /** UUIDv7: the order of the log. */
  readonly auditId: string;
  readonly atMs: number;
  /** What was done, as `<thing>.<done>`: `approval.answered`. */
  readonly action: string;
  /** The id of the thing. */
  readonly ref: string;
  /** The API key that it was done with; absent where time did it, or whoever runs the server. */
  readonly keyId?: string | undefined;
  /** The person, where one is known. */
  readonly person?: string | undefined;
  /** What was said with it, such as why. */
  readonly detail: JsonObject;
}

/**
 * What the log is told of a change: asked in the change's transaction with what was there and what is there now. It may be asked again when the
 * transaction is tried again, so it changes nothing.
 */
export type Tell<T> = (before: T | undefined, after: T | undefined) => AuditEntry | undefined;

export interface AuditFilter {
  /** Exactly, or everything done to one kind of thing: `approval.`. */
  readonly action?: string | undefined;
  readonly ref?: string | undefined;
  readonly person?: string | undefined;
  readonly keyId?: string | undefined;
  /** From this moment on. */
  readonly sinceMs?: number | undefined;
  /** Before this moment. */
  readonly untilMs?: number | undefined;
}

/** Who did what in a workspace's control plane. Entries are written in the transaction of what they tell of. */
export interface AuditTable {
  /** Newest first. */
  list(workspaceId: string, filter: AuditFilter, page: PageRequest): Promise<Page<AuditEntry>>;
}
