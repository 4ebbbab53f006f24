/** Work that one of several processes does: whoever holds the lease. */
export interface JobsTable {
  /** True when `holder` has the job until `nowMs + ttlMs`; asked again, a holder keeps it. */
  tryLease(name: string, holder: string, ttlMs: number): Promise<boolean>;
  release(name: string, holder: string): Promise<void>;
}
