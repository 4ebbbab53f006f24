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
  /** The API key that it was done with; absent where time did it. */
  readonly keyId?: string | undefined;
  /** The person, where one is known. */
  readonly person?: string | undefined;
  /** What was said with it, such as why. */
  readonly detail: JsonObject;
}

export interface AuditFilter {
  /** Exactly, or everything done to one kind of thing: `approval.`. */
  readonly action?: string | undefined;
  readonly ref?: string | undefined;
  readonly person?: string | undefined;
}

/** Who did what in a workspace's control plane. Entries are written in the transaction of what they tell of. */
export interface AuditTable {
  /** Newest first. */
  list(workspaceId: string, filter: AuditFilter, page: PageRequest): Promise<Page<AuditEntry>>;
}
