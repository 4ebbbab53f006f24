import type { Policy } from "@handlebar/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Store } from "../storage/store.ts";
import { openTestStore, TEST_WORKSPACE } from "../storage/test-store.test-support.ts";
import { manualRuntime } from "./manual-runtime.fixture.ts";
import { PoliciesService } from "./policies-service.ts";
import { ServiceProblem } from "./problem.ts";

type Act =
  | { readonly kind: "push"; readonly reason: string; readonly mode: "enforce" | "shadow"; readonly enabled: boolean }
  | { readonly kind: "promote"; readonly isStale: boolean }
  | { readonly kind: "rollback"; readonly back: number | undefined }
  | { readonly kind: "delete" };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("push" as const),
      reason: fc.constantFrom("a", "b", "c"),
      mode: fc.constantFrom("enforce" as const, "shadow" as const),
      enabled: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("promote" as const), isStale: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("rollback" as const), back: fc.option(fc.nat(4), { nil: undefined }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "delete" as const }) },
);

const principal = { workspaceId: TEST_WORKSPACE, keyId: "k1", keyName: "ci", scopes: new Set(["admin" as const]) };

let store: Store;
let service: PoliciesService;
beforeAll(async () => {
  store = await openTestStore();
  service = new PoliciesService({ store, runtime: manualRuntime(), feed: { settle: () => Promise.resolve() } });
});
afterAll(() => service.close());

function policyOf(policyId: string, { reason, mode, enabled }: Extract<Act, { kind: "push" }>): Policy {
  return {
    id: policyId,
    name: policyId,
    mode,
    enabled,
    rules: [{ id: "r", name: "r", on: "tool.before", effect: { type: "block", reason } }],
  };
}

/** Versions oldest first: what the history must be. */
interface Expected {
  readonly policy: Policy | undefined;
  readonly origin: string;
  readonly fromVersion: number | undefined;
}

/** What an act makes of a history: its next version, nothing, or a refusal. */
function expectedAfter(history: readonly Expected[], given: Act, policyId: string): Expected | "same" | "refused" {
  const now = history.at(-1);
  const isThere = now?.policy !== undefined;
  switch (given.kind) {
    case "push": {
      const policy = policyOf(policyId, given);
      return JSON.stringify(sorted(policy)) === JSON.stringify(sorted(now?.policy))
        ? "same"
        : { policy, origin: "saved", fromVersion: undefined };
    }
    case "promote": {
      if (!isThere || given.isStale || now.policy?.mode !== "shadow" || now.policy.enabled === false) return "refused";
      return { policy: { ...now.policy, mode: "enforce" }, origin: "promoted", fromVersion: history.length };
    }
    case "rollback": {
      const version = given.back === undefined ? versionBefore(history) : history.length - given.back;
      const found = version === undefined ? undefined : history[version - 1];
      if (found?.policy === undefined) return "refused";
      return JSON.stringify(sorted(found.policy)) === JSON.stringify(sorted(now?.policy))
        ? "same"
        : { policy: found.policy, origin: "rolled-back", fromVersion: version };
    }
    case "delete":
      return isThere ? { policy: undefined, origin: "deleted", fromVersion: undefined } : "refused";
  }
}

function versionBefore(history: readonly Expected[]): number | undefined {
  for (let version = history.length - 1; version > 0; version--) {
    if (history[version - 1]?.policy !== undefined) return version;
  }
  return undefined;
}

function sorted(policy: Policy | undefined): unknown {
  return policy === undefined ? null : Object.entries(policy).toSorted(([a], [b]) => a.localeCompare(b));
}

async function perform(given: Act, policyId: string, count: number): Promise<"done" | "refused"> {
  try {
    if (given.kind === "push") await service.put(principal, policyId, { policy: policyOf(policyId, given) });
    else if (given.kind === "promote") {
      await service.promote(principal, policyId, given.isStale ? { expectedVersion: count + 1 } : {});
    } else if (given.kind === "rollback") {
      const version = given.back === undefined ? undefined : count - given.back;
      await service.rollback(principal, policyId, version === undefined ? {} : { version });
    } else await service.delete(principal, policyId);
    return "done";
  } catch (error) {
    if (error instanceof ServiceProblem) return "refused";
    throw error;
  }
}

let policyCount = 0;

describe("versions of a policy", () => {
  it("make one line that only grows, whatever is pushed, promoted, taken back and deleted", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
        const policyId = `p${policyCount++}`;
        const history: Expected[] = [];
        for (const one of acts) {
          const expected = expectedAfter(history, one, policyId);
          const outcome = await perform(one, policyId, history.length);
          expect([one, outcome]).toEqual([one, expected === "refused" ? "refused" : "done"]);
          if (typeof expected === "object") history.push(expected);
          const versions = await store.policies.versions(TEST_WORKSPACE, policyId);
          const line = versions.toReversed();
          expect(line.map(({ version }) => version)).toEqual(history.map((_, at) => at + 1));
          expect(line.map(({ policy, origin, fromVersion }) => ({ policy, origin, fromVersion }))).toEqual(history);
          expect(line.every(({ madeBy, createdBy }) => madeBy === "ci" && createdBy === "k1")).toBe(true);
          const revisions = line.map(({ revision }) => revision);
          expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
        }
      }),
      { numRuns: 25 },
    );
  });
});
