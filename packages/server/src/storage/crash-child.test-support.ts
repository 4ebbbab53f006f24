import { eventRow } from "./contract/contract-case.test-support.ts";
import { openSqliteStore } from "./sqlite-store.ts";

/*
 * Writes without end until it is killed: events, spending and policies, each at the same time as the others, and says of each what was acknowledged,
 * one JSON line each. Arguments: the store's folder, the round.
 */

const [folder = "", round = "0"] = process.argv.slice(2);
const workspaceId = "w1";
const limit = { amount: 1_000_000, windowMs: 86_400_000, isWhole: true };
const key = { policyId: "p", ruleId: "r", index: 0, scope: "workspace", scopeId: "" } as const;

const acknowledge = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);

const store = await openSqliteStore({ folder });
await store.workspaces.create({ workspaceId, name: "w", createdAtMs: 0 });
let seq = Number(round) * 1_000_000;

async function ingest(size: number): Promise<void> {
  const rows = Array.from({ length: size }, () => {
    seq += 1;
    return eventRow({ workspaceId, seq, runId: `round ${round}` });
  });
  await store.events.insert(rows);
  acknowledge({ kind: "events", ids: rows.map(({ eventId }) => eventId) });
}

async function spend(n: number): Promise<void> {
  const operation = {
    op: "spend",
    leaseId: `${round}-${n}`,
    clientId: "c",
    key,
    keyText: "k",
    limit,
    amount: 1,
    spent: 0,
  } as const;
  await store.budgets.apply(workspaceId, [operation], 1_000);
  acknowledge({ kind: "spent", id: operation.leaseId });
}

async function publish(n: number): Promise<void> {
  const policy = { id: "p", name: `${round}-${n}`, rules: [] };
  const result = await store.policies.write(workspaceId, [{ policyId: "p", policy }], { keyId: "k", nowMs: n });
  if ("revision" in result) acknowledge({ kind: "published", revision: result.revision });
}

for (let n = 0; ; n += 1) {
  await Promise.all([ingest(1), ingest(10), ingest(50), spend(2 * n), spend(2 * n + 1), publish(n)]);
}
