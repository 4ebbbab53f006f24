import { expect } from "vitest";
import type { ContractCase } from "./contract-case.test-support.ts";

const refund = { name: "refund", tags: ["money"] };
const lookup = { name: "lookup" };

export const AGENT_CASES: readonly ContractCase[] = [
  {
    name: "an agent is registered once by its slug, and updated",
    run: async ({ store: { agents, changes }, workspaceId }) => {
      const agent = { slug: "support", name: "Support", tags: ["a", "b"] };
      const first = await agents.upsert(workspaceId, { agent, candidateId: "id1", nowMs: 10 });
      expect(first).toEqual({
        ...agent,
        workspaceId,
        agentId: "id1",
        createdAtMs: 10,
        updatedAtMs: 10,
        lastSeenAtMs: 10,
      });
      const again = await agents.upsert(workspaceId, { agent, candidateId: "id2", nowMs: 20 });
      expect(again).toEqual({ ...first, lastSeenAtMs: 20 });
      const renamed = { ...agent, name: "Desk", tags: ["b", "a"] };
      const third = await agents.upsert(workspaceId, { agent: renamed, candidateId: "id3", nowMs: 30 });
      expect(third).toEqual({ ...first, ...renamed, updatedAtMs: 30, lastSeenAtMs: 30 });
      expect(await agents.find(workspaceId, "support")).toEqual(third);
      expect(await agents.find(workspaceId, "id1")).toEqual(third);
      expect(await agents.find(workspaceId, "id2")).toBeUndefined();
      await agents.upsert(workspaceId, { agent: { ...renamed, tags: ["c"] }, candidateId: "id4", nowMs: 40 });
      const kinds = (await changes.since(workspaceId, 0, 10)).map(({ kind, ref }) => [kind, ref]);
      expect(kinds).toEqual([
        ["agents", "support"],
        ["agents", "support"],
      ]);
    },
  },
  {
    name: "clients that register a new agent at once make one",
    run: async ({ store: { agents }, workspaceId }) => {
      const registered = await Promise.all(
        [1, 2, 3, 4].map((n) =>
          agents.upsert(workspaceId, { agent: { slug: "one" }, candidateId: `id${n}`, nowMs: n, tools: [refund] }),
        ),
      );
      expect(new Set(registered.map(({ agentId }) => agentId)).size).toBe(1);
      expect((await agents.list(workspaceId, { limit: 10 })).items).toHaveLength(1);
    },
  },
  {
    name: "agents are listed by slug, page by page, in their workspace alone",
    run: async ({ store: { agents }, workspaceId, otherId }) => {
      for (const slug of ["c", "a", "b"]) {
        await agents.upsert(workspaceId, { agent: { slug }, candidateId: slug, nowMs: 1 });
      }
      await agents.upsert(otherId, { agent: { slug: "a" }, candidateId: "x", nowMs: 1 });
      const first = await agents.list(workspaceId, { limit: 2 });
      expect(first.items.map(({ slug }) => slug)).toEqual(["a", "b"]);
      const second = await agents.list(workspaceId, { limit: 2, cursor: first.nextCursor });
      expect(second.items.map(({ slug }) => slug)).toEqual(["c"]);
      expect(second.nextCursor).toBeUndefined();
      await expect(agents.list(workspaceId, { limit: 2, cursor: "nonsense" })).rejects.toMatchObject({
        code: "HB_REQUEST_INVALID",
        field: "cursor",
      });
      expect(await agents.find(otherId, "b")).toBeUndefined();
    },
  },
  {
    name: "tools keep their versions, also those taken out of the inventory",
    run: async ({ store: { agents, changes }, workspaceId }) => {
      const agent = { slug: "support" };
      await agents.upsert(workspaceId, { agent, candidateId: "id1", nowMs: 1, tools: [refund, lookup] });
      const dearer = { ...refund, description: "gives money back" };
      await agents.putTools(workspaceId, "id1", { tools: [dearer], nowMs: 2 });
      await agents.putTools(workspaceId, "id1", { tools: [dearer], nowMs: 3 });
      expect(await agents.tools(workspaceId, "id1")).toEqual([
        { tool: lookup, version: 1, firstSeenAtMs: 1, changedAtMs: 1 },
        { tool: dearer, version: 2, firstSeenAtMs: 1, changedAtMs: 2 },
      ]);
      await agents.upsert(workspaceId, { agent, candidateId: "x", nowMs: 4, tools: [lookup] });
      expect((await agents.tools(workspaceId, "id1")).map(({ tool }) => tool.name)).toEqual(["lookup"]);
      await agents.upsert(workspaceId, { agent, candidateId: "x", nowMs: 5, tools: [lookup, dearer] });
      expect((await agents.tools(workspaceId, "id1")).map(({ version }) => version)).toEqual([1, 2]);
      expect((await agents.toolVersions(workspaceId, "id1", "refund")).map(({ tool }) => tool)).toEqual([
        dearer,
        refund,
      ]);
      expect(await agents.inventory(workspaceId, 1)).toEqual([{ agentId: "id1", tool: lookup }]);
      const kinds = (await changes.since(workspaceId, 0, 10)).map(({ kind, revision }) => [kind, revision]);
      expect(kinds).toEqual([
        ["agents", 1],
        ["tools", 1],
        ["tools", 1],
        ["tools", 1],
      ]);
    },
  },
  {
    name: "the newest acknowledgement of a client stands",
    run: async ({ store: { agents }, workspaceId }) => {
      const client = ackOf({ clientId: "c1", revision: 5, lockdownIds: ["l1"] });
      await agents.acknowledge(workspaceId, [
        { ...client, ackedAtMs: 10 },
        { ...client, clientId: "c2", refused: { code: "HB_STATE_REFUSED", message: "no" }, ackedAtMs: 11 },
      ]);
      await agents.acknowledge(workspaceId, [{ ...client, revision: 4, lockdownIds: [], ackedAtMs: 20 }]);
      await agents.acknowledge(workspaceId, [{ ...client, lockdownIds: ["l1", "l2"], ackedAtMs: 30 }]);
      await agents.acknowledge(workspaceId, [{ ...client, lockdownIds: [], ackedAtMs: 29 }]);
      const known = await agents.clients(workspaceId, "a1");
      expect(known.map(({ clientId, lockdownIds, ackedAtMs }) => [clientId, lockdownIds, ackedAtMs])).toEqual([
        ["c1", ["l1", "l2"], 30],
        ["c2", ["l1"], 11],
      ]);
      expect(known[1]?.refused).toEqual({ code: "HB_STATE_REFUSED", message: "no" });
      expect(await agents.clients(workspaceId, "a2")).toEqual([]);
      // Newer stop orders at the same policies make it newer, though it comes late.
      await agents.acknowledge(workspaceId, [{ ...client, lockdownRevision: 7, lockdownIds: ["l3"], ackedAtMs: 40 }]);
      await agents.acknowledge(workspaceId, [{ ...client, lockdownRevision: 6, lockdownIds: [], ackedAtMs: 50 }]);
      expect((await agents.clients(workspaceId))[0]).toMatchObject({ lockdownRevision: 7, lockdownIds: ["l3"] });
      expect(await agents.pruneClients(20)).toBeGreaterThanOrEqual(1);
      expect((await agents.clients(workspaceId)).map(({ clientId }) => clientId)).toEqual(["c1"]);
    },
  },
  {
    name: "a client that is heard from is known before it says anything, and forgotten when it says goodbye",
    run: async ({ store: { agents }, workspaceId, otherId }) => {
      const c1 = { workspaceId, agentId: "a1", clientId: "c1" };
      await agents.touchClients([c1, { ...c1, clientId: "c2" }, { ...c1, workspaceId: otherId }], 100);
      await agents.acknowledge(workspaceId, [{ ...ackOf({ clientId: "c2" }), enforceMode: "shadow", ackedAtMs: 200 }]);
      await agents.touchClients([{ ...c1, clientId: "c2" }], 150);
      const read = async () =>
        (await agents.clients(workspaceId)).map((one) => [one.clientId, one.ackedAtMs, one.seenAtMs, one.enforceMode]);
      expect(await read()).toEqual([
        ["c1", undefined, 100, "enforce"],
        ["c2", 200, 200, "shadow"],
      ]);
      await agents.touchClients([c1], 300);
      const heard = await agents.clients(workspaceId, undefined, { sinceMs: 250, limit: 10 });
      expect(heard.map(({ clientId }) => clientId)).toEqual(["c1"]);
      await agents.forgetClients(workspaceId, [c1, { agentId: "a1", clientId: "none" }]);
      expect((await read()).map(([clientId]) => clientId)).toEqual(["c2"]);
      expect((await agents.clients(otherId)).map(({ clientId }) => clientId)).toEqual(["c1"]);
    },
  },
  {
    name: "the first time that a client obeys a stop order is kept",
    run: async ({ store: { agents, lockdowns }, workspaceId }) => {
      const lockdown = { lockdownId: "l1", scope: { kind: "workspace" } } as const;
      await lockdowns.create({ workspaceId, lockdown, createdAtMs: 5, createdBy: "k" });
      await agents.acknowledge(workspaceId, [{ ...ackOf({ clientId: "c1" }), ackedAtMs: 10 }]);
      await agents.touchClients([{ workspaceId, agentId: "a1", clientId: "c3" }], 12);
      const obeys = (clientId: string, ackedAtMs: number) => ({
        ...ackOf({ clientId, lockdownIds: ["l1"] }),
        lockdownRevision: 2,
        ackedAtMs,
      });
      await agents.acknowledge(workspaceId, [obeys("c2", 20), obeys("c1", 30)]);
      await agents.acknowledge(workspaceId, [
        obeys("c1", 40),
        obeys("c3", 41),
        { ...obeys("c4", 42), enforceMode: "shadow" },
      ]);
      const acks = await lockdowns.acks(workspaceId, "l1", 10);
      expect(acks.map(({ clientId, ackedAtMs, isFromStart }) => [clientId, ackedAtMs, isFromStart])).toEqual([
        ["c2", 20, true],
        ["c1", 30, false],
        ["c3", 41, true],
      ]);
      expect(await lockdowns.acks(workspaceId, "l1", 1)).toHaveLength(1);
      await lockdowns.pruneAcks(1_000);
      expect(await lockdowns.acks(workspaceId, "l1", 10)).toHaveLength(3);
      await lockdowns.lift(workspaceId, "l1", { keyId: "k", nowMs: 50 });
      await lockdowns.pruneAcks(30);
      expect((await lockdowns.acks(workspaceId, "l1", 10)).map(({ clientId }) => clientId)).toEqual(["c1", "c3"]);
    },
  },
];

function ackOf(more: {
  readonly clientId: string;
  readonly revision?: number;
  readonly lockdownIds?: readonly string[];
}) {
  const { revision = 1 } = more;
  return {
    agentId: "a1",
    revision,
    lockdownRevision: revision,
    lockdownIds: [],
    enforceMode: "enforce" as const,
    refused: undefined,
    ...more,
  };
}
