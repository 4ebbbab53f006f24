import type { Policy } from "@handlebar/protocol";
import { expect } from "vitest";
import type { EventRow, ShadowOutcome } from "../events-table.ts";
import { type ContractCase, DAY_MS, eventRow } from "./contract-case.test-support.ts";

const policy = (id: string, reason: string): Policy => ({
  id,
  name: id,
  mode: "shadow",
  rules: [{ name: "r", on: "tool.before", effect: { type: "block", reason } }],
});
const by = { keyId: "k1", nowMs: 5 };

function decided(
  workspaceId: string,
  seq: number,
  given: { readonly revision: number; readonly outcomes: Readonly<Record<string, ShadowOutcome["would"]>> },
): EventRow {
  const outcomes = Object.entries(given.outcomes).map(([policyId, would]) => ({ policyId, would }));
  const shadow = { revision: given.revision, outcomes };
  return eventRow({ workspaceId, seq, kind: "tool.decision", verdict: "ALLOW", shadow });
}

const NONE = { decisionCount: 0, blockCount: 0, holdCount: 0, redactCount: 0 };

export const SHADOW_COUNT_CASES: readonly ContractCase[] = [
  {
    name: "what policies in shadow would have done is counted for the version of the revision that decided",
    run: async ({ store: { policies, events, lockdowns }, workspaceId, otherId }) => {
      await policies.write(workspaceId, [{ policyId: "p1", policy: policy("p1", "a") }], by);
      const lockdown = { lockdownId: "l1", scope: { kind: "actor" as const, externalId: "u" } };
      await lockdowns.create({ workspaceId, lockdown, createdAtMs: 6, createdBy: "k1" });
      await policies.write(workspaceId, [{ policyId: "p1", policy: policy("p1", "b") }], by);
      await policies.write(workspaceId, [{ policyId: "p2", policy: policy("p2", "a") }], by);
      await events.insert([
        decided(workspaceId, 0, { revision: 1, outcomes: { p1: "block", p2: "block" } }),
        decided(workspaceId, 1, { revision: 2, outcomes: { p1: "nothing", unknown: "block" } }),
        decided(workspaceId, 2, { revision: 3, outcomes: { p1: "hitl" } }),
        decided(workspaceId, 3, { revision: 4, outcomes: { p1: "redact", p2: "block" } }),
        decided(workspaceId, 4, { revision: 9, outcomes: { p1: "block" } }),
        eventRow({ workspaceId, seq: 5 }),
      ]);
      const counts = (await policies.shadowCounts(workspaceId)).toSorted(byKey);
      expect(counts).toEqual([
        { ...NONE, ...at("p1", 1, [0, 1]), decisionCount: 2, blockCount: 1 },
        { ...NONE, ...at("p1", 2, [2, 4]), decisionCount: 3, blockCount: 1, holdCount: 1, redactCount: 1 },
        { ...NONE, ...at("p2", 1, [3, 3]), decisionCount: 1, blockCount: 1 },
      ]);
      expect(await policies.shadowCounts(workspaceId, "p2")).toEqual(counts.slice(2));
      expect(await policies.shadowCounts(otherId)).toEqual([]);
      expect([
        await policies.changedAtRevision(workspaceId),
        await policies.changedAtRevision(workspaceId, "p1"),
        await policies.changedAtRevision(otherId),
      ]).toEqual([4, 3, 0]);
    },
  },
  {
    name: "an event counts once for a policy in shadow, however often and beside whatever it comes",
    run: async ({ store: { policies, events }, workspaceId }) => {
      await policies.write(workspaceId, [{ policyId: "p1", policy: policy("p1", "a") }], by);
      const rows = Array.from({ length: 12 }, (_, seq) =>
        decided(workspaceId, seq, { revision: 1, outcomes: { p1: seq % 3 === 0 ? "block" : "nothing" } }),
      );
      await events.insert(rows.slice(0, 4));
      await Promise.all([
        events.insert(rows.slice(2, 8)),
        events.insert(rows.slice(6)),
        events.insert([...rows.slice(0, 1), ...rows.slice(0, 1)]),
      ]);
      const dropped = [{ runId: "r1", from: 90, to: 91 }];
      await events.insert([
        ...rows,
        { ...decided(workspaceId, 20, { revision: 1, outcomes: { p1: "hitl" } }), dropped },
      ]);
      expect(await policies.shadowCounts(workspaceId, "p1")).toEqual([
        { ...NONE, ...at("p1", 1, [0, 20]), decisionCount: 13, blockCount: 4, holdCount: 1 },
      ]);
    },
  },
];

type Key = { readonly policyId: string; readonly version: number };

function byKey(a: Key, b: Key): number {
  return a.policyId.localeCompare(b.policyId) || a.version - b.version;
}

function at(policyId: string, version: number, [first, last]: readonly [number, number]): object {
  return { policyId, version, firstAtMs: DAY_MS + first * 1_000, lastAtMs: DAY_MS + last * 1_000 };
}
