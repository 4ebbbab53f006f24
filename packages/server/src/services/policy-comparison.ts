import { diffPolicies } from "@handlebar/policies";
import type { PolicyDiff, PolicyDiffQuery } from "@handlebar/protocol";
import type { PolicyVersionRecord } from "../storage/policies-table.ts";
import type { Store } from "../storage/store.ts";
import { ServiceProblem } from "./problem.ts";

/** Two versions of one policy beside each other. */
export interface ComparedVersions extends Pick<PolicyDiff, "policyId" | "changes"> {
  /** `undefined` for what was there before the first version: nothing. */
  readonly from: PolicyVersionRecord | undefined;
  readonly to: PolicyVersionRecord;
}

/** The newest version and the one before it, unless others are named. @throws ServiceProblem `HB_NOT_FOUND`. */
export async function compareVersions(
  { policies }: Pick<Store, "policies">,
  {
    workspaceId,
    policyId,
    newest,
  }: { readonly workspaceId: string; readonly policyId: string; readonly newest: number },
  { to = newest, from = to - 1 }: PolicyDiffQuery,
): Promise<ComparedVersions> {
  const read = async (field: "from" | "to", version: number): Promise<PolicyVersionRecord> => {
    const record = await policies.version(workspaceId, policyId, version);
    if (record !== undefined) return record;
    const message = `policy \`${policyId}\` has no version ${version}; its newest is ${newest}`;
    throw new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field });
  };
  const newer = await read("to", to);
  const older = from === 0 ? undefined : await read("from", from);
  return { policyId, from: older, to: newer, changes: diffPolicies(older?.policy, newer.policy) };
}
