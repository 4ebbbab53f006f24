import type { AuditEntry, AuditFilter } from "../storage/audit-table.ts";
import type { Page, PageRequest } from "../storage/page.ts";
import type { Store } from "../storage/store.ts";

/** The log of who did what in the control plane. */
export class AuditService {
  readonly #store: Pick<Store, "audit">;

  constructor({ store }: { readonly store: Pick<Store, "audit"> }) {
    this.#store = store;
  }

  /** Newest first. */
  list(workspaceId: string, filter: AuditFilter, page: PageRequest): Promise<Page<AuditEntry>> {
    return this.#store.audit.list(workspaceId, filter, page);
  }
}
