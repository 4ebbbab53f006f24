import type { Policy } from "@handlebar/protocol";
import type { PolicyRecord, PolicyVersionRecord } from "../storage/policies-table.ts";
import { ServiceProblem } from "./problem.ts";

/**
 * A policy that was tried in shadow, enforced.
 * @throws ServiceProblem `HB_CONFLICT` where nothing was tried: it is not the expected version, not in shadow, or switched off.
 */
export function promoted({ policyId, version, policy }: PolicyRecord, expectedVersion: number | undefined): Policy {
  if (expectedVersion !== undefined && expectedVersion !== version) {
    const message = `version ${expectedVersion} of policy \`${policyId}\` was tried, and ${version} is the newest; try that one, or go back first`;
    throw new ServiceProblem("conflict", "HB_CONFLICT", { message, field: "expectedVersion" });
  }
  if (policy.mode !== "shadow") throw untried(`policy \`${policyId}\` is not in shadow; there is nothing to promote`);
  if (policy.enabled === false) throw untried(`policy \`${policyId}\` is switched off; enable it in shadow first`);
  return { ...policy, mode: "enforce" };
}

/**
 * The version to go back to: the one that is asked for, or the one before the newest, deletions aside.
 * @throws ServiceProblem `HB_NOT_FOUND` where there is none, `HB_REQUEST_INVALID` where it is the policy's deletion.
 */
export function versionToTake(
  policyId: string,
  newestFirst: readonly PolicyVersionRecord[],
  asked: number | undefined,
): { readonly version: number; readonly policy: Policy } {
  const earlier = newestFirst.slice(1).find(({ policy }) => policy !== undefined);
  const found = asked === undefined ? earlier : newestFirst.find(({ version }) => version === asked);
  if (found === undefined) {
    const which = asked === undefined ? "earlier version" : `version ${asked}`;
    const message = `policy \`${policyId}\` has no ${which}; see its versions`;
    throw new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field: "version" });
  }
  const { version, policy } = found;
  if (policy !== undefined) return { version, policy };
  const message = `version ${version} of policy \`${policyId}\` is its deletion; delete it instead`;
  throw new ServiceProblem("invalid", "HB_REQUEST_INVALID", { message, field: "version" });
}

function untried(message: string): ServiceProblem {
  return new ServiceProblem("conflict", "HB_CONFLICT", { message, field: "policyId" });
}
