import { canonicalJson } from "@handlebar/engine";
import {
  type DeletePolicyQuery,
  ERROR_CODES,
  type HandlebarErrorCode,
  type PoliciesChecked,
  type PoliciesWritten,
  type Policy,
  type PolicyChange,
  type PolicyDiffQuery,
  type PromotePolicyBody,
  type PushPoliciesBody,
  type PutPolicyBody,
  type ReportedFinding,
  type RollbackPolicyBody,
} from "@handlebar/protocol";
import { POLICY_WRITE_ATTEMPT_COUNT_MAX } from "../limits.ts";
import type { PolicyRecord, PolicyVersionRecord, PolicyWrite, ShadowCountsRecord } from "../storage/policies-table.ts";
import type { Store } from "../storage/store.ts";
import { auditHand, policyTold } from "./audit-story.ts";
import type { ChangeFeed } from "./change-feed.ts";
import { hasErrors } from "./policy-check.ts";
import { type ComparedVersions, compareVersions } from "./policy-comparison.ts";
import { toRunnable, toStored } from "./policy-form.ts";
import { type InspectedPolicies, PolicyInspection } from "./policy-inspection.ts";
import { promoted, versionToTake } from "./policy-steps.ts";
import type { Principal } from "./principal.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime } from "./server-runtime.ts";

export type { PolicyRecord, PolicyVersionRecord, ShadowCountsRecord } from "../storage/policies-table.ts";

export interface PoliciesServiceDeps {
  readonly store: Pick<Store, "policies" | "agents" | "changes">;
  readonly runtime: ServerRuntime;
  readonly feed: Pick<ChangeFeed, "settle">;
}

/** A change of policies that somebody asks for. */
interface Wanted {
  /** What each named policy becomes; `undefined` deletes it. */
  readonly policies: ReadonlyMap<string, Policy | undefined>;
  readonly prune: boolean;
  readonly dryRun: boolean;
  readonly expectedRevision?: number | undefined;
  readonly expectedVersion?: number | undefined;
  readonly comment?: string | undefined;
  /** What the log says was done, where it is more than a save or a deletion. */
  readonly action?: "policy.promoted" | "policy.rolledBack" | undefined;
  /** The version that is promoted, or whose content comes back. */
  readonly fromVersion?: number | undefined;
  /** The field of the request that holds a policy. */
  readonly fieldOf: (policyId: string) => string;
}

const ORIGINS = { "policy.promoted": "promoted", "policy.rolledBack": "rolled-back" } as const;

/** What stands in a workspace when a change is made. */
interface Standing {
  readonly revision: number;
  readonly records: readonly PolicyRecord[];
}

/** Policies and their versions. What is saved has been checked; every change is one revision. */
export class PoliciesService {
  readonly #store: Pick<Store, "policies" | "agents" | "changes">;
  readonly #runtime: ServerRuntime;
  readonly #feed: Pick<ChangeFeed, "settle">;
  readonly #inspection: PolicyInspection;

  constructor({ store, runtime, feed }: PoliciesServiceDeps) {
    this.#store = store;
    this.#runtime = runtime;
    this.#feed = feed;
    this.#inspection = new PolicyInspection({ store, runtime });
  }

  /** All of a workspace's policies, by id. */
  list(workspaceId: string): Promise<Standing> {
    return this.#standing(workspaceId);
  }

  /** @throws ServiceProblem `HB_NOT_FOUND`. */
  async get(workspaceId: string, policyId: string): Promise<PolicyRecord> {
    const record = await this.#store.policies.get(workspaceId, policyId);
    if (record === undefined || record.deletedAtMs !== undefined) throw noPolicy(policyId);
    return record;
  }

  /** Newest first, its deletion included. @throws ServiceProblem `HB_NOT_FOUND`. */
  async versions(workspaceId: string, policyId: string): Promise<readonly PolicyVersionRecord[]> {
    const versions = await this.#store.policies.versions(workspaceId, policyId);
    if (versions.length === 0) throw noPolicy(policyId);
    return versions;
  }

  /** Two versions of a policy, deleted ones included. @throws ServiceProblem `HB_NOT_FOUND`. */
  async diff(workspaceId: string, policyId: string, query: PolicyDiffQuery): Promise<ComparedVersions> {
    const record = await this.#store.policies.get(workspaceId, policyId);
    if (record === undefined) throw noPolicy(policyId);
    return compareVersions(this.#store, { workspaceId, policyId, newest: record.version }, query);
  }

  /** What versions in shadow would have done, of one policy or of all. */
  shadowCounts(workspaceId: string, policyId?: string): Promise<readonly ShadowCountsRecord[]> {
    return this.#store.policies.shadowCounts(workspaceId, policyId);
  }

  /** @throws ServiceProblem `HB_POLICY_...` where the check finds an error, `HB_CONFLICT`, `HB_REQUEST_INVALID`. */
  put(principal: Principal, policyId: string, body: PutPolicyBody): Promise<PoliciesWritten> {
    const { policy, expectedVersion, comment } = body;
    if (policy.id !== undefined && policy.id !== policyId) {
      const message = `the policy's id is \`${policy.id}\` and the path says \`${policyId}\`; make them the same`;
      throw new ServiceProblem("invalid", "HB_REQUEST_INVALID", { message, field: "policy.id" });
    }
    return this.#write(principal, {
      policies: new Map([[policyId, toStored({ ...policy, id: policyId })]]),
      prune: false,
      dryRun: false,
      expectedVersion,
      comment,
      fieldOf: () => "policy",
    });
  }

  /** All or none. @throws ServiceProblem `HB_POLICY_...` where the check finds an error, `HB_CONFLICT`. */
  push(principal: Principal, body: PushPoliciesBody): Promise<PoliciesWritten> {
    const stored = body.policies.map(toStored);
    const ids = stored.map(({ id = "" }) => id);
    const twin = ids.findIndex((id, at) => ids.indexOf(id) !== at);
    if (twin >= 0) {
      const message = `two policies have the id \`${ids[twin]}\`; give each its own \`id\` or name`;
      throw new ServiceProblem("invalid", "HB_POLICY_DUPLICATE_ID", { message, field: `policies[${twin}].id` });
    }
    return this.#write(principal, {
      policies: new Map(stored.map((policy) => [policy.id ?? "", policy])),
      prune: body.prune === true,
      dryRun: body.dryRun === true,
      expectedRevision: body.expectedRevision,
      comment: body.comment,
      fieldOf: (policyId) => (ids.includes(policyId) ? `policies[${ids.indexOf(policyId)}]` : "policies"),
    });
  }

  /** @throws ServiceProblem `HB_NOT_FOUND`, `HB_CONFLICT`. */
  async delete(principal: Principal, policyId: string, query: DeletePolicyQuery = {}): Promise<PoliciesWritten> {
    await this.get(principal.workspaceId, policyId);
    return this.#write(principal, {
      policies: new Map([[policyId, undefined]]),
      prune: false,
      dryRun: false,
      ...query,
      fieldOf: () => "policyId",
    });
  }

  /**
   * Enforces what was tried in shadow: the very version, or none.
   * @throws ServiceProblem `HB_NOT_FOUND`, `HB_CONFLICT` where it is not in shadow or another version than the expected one; as `put`.
   */
  async promote(principal: Principal, policyId: string, body: PromotePolicyBody): Promise<PoliciesWritten> {
    const record = await this.get(principal.workspaceId, policyId);
    return this.#write(principal, {
      policies: new Map([[policyId, promoted(record, body.expectedVersion)]]),
      prune: false,
      dryRun: false,
      expectedVersion: record.version,
      comment: body.comment,
      action: "policy.promoted",
      fromVersion: record.version,
      fieldOf: () => "policyId",
    });
  }

  /** Makes an earlier version the newest one, also of a deleted policy. @throws ServiceProblem as `put`, `HB_NOT_FOUND`. */
  async rollback(principal: Principal, policyId: string, body: RollbackPolicyBody): Promise<PoliciesWritten> {
    const versions = await this.versions(principal.workspaceId, policyId);
    const { version, policy } = versionToTake(policyId, versions, body.version);
    return this.#write(principal, {
      policies: new Map([[policyId, policy]]),
      prune: false,
      dryRun: false,
      // Which one lies before the newest was read from this newest one.
      expectedVersion: body.expectedVersion ?? (body.version === undefined ? versions[0]?.version : undefined),
      comment: body.comment ?? `back to version ${version}`,
      action: "policy.rolledBack",
      fromVersion: version,
      fieldOf: () => "version",
    });
  }

  /** Looks for what is wrong with these policies, or with all that are kept where none are given, and saves nothing. */
  async check(workspaceId: string, policies: readonly Policy[], alone: boolean): Promise<PoliciesChecked> {
    const standing = alone ? { revision: 0, records: [] } : await this.#standing(workspaceId);
    const before = standing.records.map(({ policy }) => policy);
    const candidates = policies.length === 0 ? before : policies.map(toStored);
    const ids = new Set(candidates.map(({ id = "" }) => id));
    const kept = standing.records.filter(({ policyId }) => !ids.has(policyId)).map(({ policy }) => policy);
    return this.#inspection.check(workspaceId, { before, after: [...candidates, ...kept], candidateIds: ids });
  }

  /**
   * What would be in force with the candidates, each in the place of the one with its id: as clients run it.
   * @throws ServiceProblem `HB_POLICY_...` where the check finds an error.
   */
  async candidate(workspaceId: string, policies: readonly Policy[], alone: boolean): Promise<readonly Policy[]> {
    const candidates = policies.map(toStored);
    const standing = alone ? [] : (await this.#standing(workspaceId)).records;
    if (candidates.length > 0) {
      const { findings } = await this.check(workspaceId, policies, alone);
      const ids = candidates.map(({ id }) => id);
      if (hasErrors(findings)) throw refusal(findings, (policyId) => `policies[${ids.indexOf(policyId)}]`);
    }
    const replaced = new Set(candidates.map(({ id }) => id));
    const kept = standing.filter(({ policyId }) => !replaced.has(policyId)).map(({ policy }) => policy);
    return [...candidates, ...kept].map(toRunnable);
  }

  /** Lets go of the thread that checks. */
  close(): Promise<void> {
    return this.#inspection.close();
  }

  async #standing(workspaceId: string): Promise<Standing> {
    const { revision } = await this.#store.changes.mark(workspaceId);
    return { revision, records: await this.#store.policies.list(workspaceId) };
  }

  async #write(principal: Principal, wanted: Wanted): Promise<PoliciesWritten> {
    for (let attempt = 1; ; attempt++) {
      const written = await this.#tryWrite(principal, wanted);
      if (!("conflict" in written)) return written;
      if (wanted.expectedVersion !== undefined || attempt >= POLICY_WRITE_ATTEMPT_COUNT_MAX) {
        const message = `policy \`${written.conflict}\` has been changed by somebody else; read it again`;
        throw new ServiceProblem("conflict", "HB_CONFLICT", { message, field: "expectedVersion" });
      }
    }
  }

  async #tryWrite(principal: Principal, wanted: Wanted): Promise<PoliciesWritten | { readonly conflict: string }> {
    const { workspaceId, keyId } = principal;
    const standing = await this.#standing(workspaceId);
    checkRevision(wanted, standing);
    const before = new Map(standing.records.map((record) => [record.policyId, record]));
    const changes = changesOf(wanted, before);
    const findings = await this.#inspection.findings(workspaceId, afterwards(wanted, standing));
    const answer = {
      revision: standing.revision,
      dryRun: wanted.dryRun,
      changes: [...changes],
      findings: [...findings],
    };
    if (wanted.dryRun) return answer;
    if (hasErrors(findings)) throw refusal(findings, wanted.fieldOf);
    if (wanted.expectedVersion === undefined && changes.every(({ change }) => change === "unchanged")) return answer;
    const writes = changes.map(({ policyId }): PolicyWrite => {
      const expectedVersion = wanted.expectedVersion ?? before.get(policyId)?.version ?? 0;
      return { policyId, policy: wanted.policies.get(policyId), expectedVersion };
    });
    const hand = auditHand(this.#runtime, principal);
    const by = {
      keyId,
      name: principal.person ?? principal.keyName,
      comment: wanted.comment,
      nowMs: hand.nowMs,
      origin: wanted.action === undefined ? undefined : ORIGINS[wanted.action],
      fromVersion: wanted.fromVersion,
      tell: policyTold(hand, wanted),
    };
    const result = await this.#store.policies.write(workspaceId, writes, by);
    if ("conflict" in result) return result;
    await this.#feed.settle(workspaceId);
    const versions = new Map(result.written.map(({ policyId, version }) => [policyId, version]));
    return {
      ...answer,
      revision: result.revision,
      changes: changes.map((change) => ({ ...change, version: versions.get(change.policyId) ?? change.version })),
    };
  }
}

function checkRevision({ expectedRevision }: Wanted, { revision }: Standing): void {
  if (expectedRevision === undefined || expectedRevision === revision) return;
  const message = `the revision is ${revision} and not ${expectedRevision}; read the policies again`;
  throw new ServiceProblem("conflict", "HB_CONFLICT", { message, field: "expectedRevision" });
}

function changesOf(wanted: Wanted, before: ReadonlyMap<string, PolicyRecord>): readonly PolicyChange[] {
  const changes = [...wanted.policies].map(([policyId, policy]): PolicyChange => {
    const known = before.get(policyId);
    const version = known === undefined ? {} : { version: known.version };
    if (policy === undefined) return { policyId, change: "deleted", ...version };
    if (known === undefined) return { policyId, change: "created" };
    const isSame = canonicalJson(known.policy) === canonicalJson(policy);
    return { policyId, change: isSame ? "unchanged" : "updated", ...version };
  });
  const pruned = wanted.prune ? [...before.values()].filter(({ policyId }) => !wanted.policies.has(policyId)) : [];
  return [
    ...changes,
    ...pruned.map(({ policyId, version }): PolicyChange => ({ policyId, change: "deleted", version })),
  ];
}

function afterwards({ policies, prune }: Wanted, { records }: Standing): InspectedPolicies {
  const candidates = [...policies.values()].filter((policy) => policy !== undefined);
  const kept = prune ? [] : records.filter(({ policyId }) => !policies.has(policyId)).map(({ policy }) => policy);
  return {
    before: records.map(({ policy }) => policy),
    after: [...candidates, ...kept],
    candidateIds: new Set(candidates.map(({ id = "" }) => id)),
  };
}

function refusal(findings: readonly ReportedFinding[], fieldOf: Wanted["fieldOf"]): ServiceProblem {
  const errors = findings.filter(({ severity }) => severity === "error");
  const [first] = errors;
  const place = first === undefined ? "" : fieldOf(first.policyId);
  const field = first?.path === "" || first === undefined ? place : `${place}.${first.path}`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const message = `${first?.message ?? ""}; ${first?.fix ?? ""}${more}`;
  return new ServiceProblem("invalid", codeOf(first), { message, field, members: { findings } });
}

function codeOf(finding: ReportedFinding | undefined): HandlebarErrorCode {
  return (
    Object.keys(ERROR_CODES).find((code): code is HandlebarErrorCode => code === finding?.code) ?? "HB_POLICY_INVALID"
  );
}

function noPolicy(policyId: string): ServiceProblem {
  const message = `there is no policy \`${policyId}\`; see \`GET /v1/policies\``;
  return new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field: "policyId" });
}
