import type { Policy, PolicyVersion } from "@handlebar/protocol";
import type { Tell } from "./audit-table.ts";

/** A policy as it is in force (or switched off, or deleted), at its newest version. */
export interface PolicyRecord {
  readonly workspaceId: string;
  readonly policyId: string;
  /** From 1; every change makes the next one. */
  readonly version: number;
  readonly policy: Policy;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly updatedBy: string;
  readonly deletedAtMs: number | undefined;
}

export interface PolicyVersionRecord {
  readonly policyId: string;
  readonly version: number;
  /** `undefined` where the version is the policy's deletion. */
  readonly policy: Policy | undefined;
  readonly comment: string | undefined;
  readonly createdAtMs: number;
  readonly createdBy: string;
  /** Who: the person whose key it was, or what the key was called. */
  readonly madeBy: string | undefined;
  readonly origin: PolicyVersion["origin"];
  /** The version that was promoted, or whose content came back. */
  readonly fromVersion: number | undefined;
  /** The state's revision that it came with; 0 for one from before revisions were kept. */
  readonly revision: number;
}

/** What one version would have done, of the decisions for which its rules were asked in shadow. */
export interface ShadowCountsRecord {
  readonly policyId: string;
  readonly version: number;
  readonly decisionCount: number;
  readonly blockCount: number;
  readonly holdCount: number;
  readonly redactCount: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** One policy to write or delete. */
export interface PolicyWrite {
  readonly policyId: string;
  /** `undefined` deletes it. */
  readonly policy: Policy | undefined;
  /** The version that the writer saw; 0 for a policy that must not exist (a deleted one does not); absent takes any. */
  readonly expectedVersion?: number | undefined;
}

/** Who writes, when and why. */
export interface PolicyWriter {
  readonly keyId: string;
  /** The person whose key it is, or what the key is called. */
  readonly name?: string | undefined;
  readonly comment?: string | undefined;
  readonly nowMs: number;
  /** How the new versions came about, where they are more than saved or deleted. */
  readonly origin?: "promoted" | "rolled-back" | undefined;
  readonly fromVersion?: number | undefined;
  /** Of each policy that gets a new version, its deletion included. */
  readonly tell?: Tell<PolicyRecord> | undefined;
}

export interface PoliciesTable {
  /** Those not deleted, by id. */
  list(workspaceId: string): Promise<readonly PolicyRecord[]>;
  /** Deleted ones too. */
  get(workspaceId: string, policyId: string): Promise<PolicyRecord | undefined>;
  version(workspaceId: string, policyId: string, version: number): Promise<PolicyVersionRecord | undefined>;
  /** Newest first. */
  versions(workspaceId: string, policyId: string): Promise<readonly PolicyVersionRecord[]>;
  /** Of every version of one policy, or of all policies; those for which nothing was decided in shadow are left out. */
  shadowCounts(workspaceId: string, policyId?: string): Promise<readonly ShadowCountsRecord[]>;
  /** The revision with which one policy, or any, changed last; 0 when none did. */
  changedAtRevision(workspaceId: string, policyId?: string): Promise<number>;
  /**
   * Writes all of them in one transaction, or none: where a version is not the expected one, answers `conflict` with the policy's id. Policies that
   * are as they were get no new version; when none changed, no change is recorded, else one change `policies`.
   */
  write(
    workspaceId: string,
    writes: readonly PolicyWrite[],
    by: PolicyWriter,
  ): Promise<PoliciesWritten | { readonly conflict: string }>;
}

export interface PoliciesWritten {
  /** One for each write, in order, those that changed nothing too; a deletion of what does not exist has none. */
  readonly written: readonly PolicyRecord[];
  /** The ids of those that got a new version. */
  readonly changed: readonly string[];
  /** The state's revision afterwards. */
  readonly revision: number;
}
