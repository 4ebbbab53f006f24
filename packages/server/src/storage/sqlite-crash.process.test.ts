import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSqliteFile } from "./sqlite-file.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const CHILD = fileURLToPath(new URL("./crash-child.test-support.ts", import.meta.url));
const ROUND_COUNT = 4;
const workspaceId = "w1";

interface Acknowledged {
  readonly eventIds: Set<string>;
  readonly spent: Set<string>;
  revision: number;
}

/** Lets a process write until it has acknowledged `lineCount` things, and kills it in the middle of the next. */
async function writeAndKill(folder: string, round: number, acknowledged: Acknowledged): Promise<void> {
  const args = ["--conditions=@handlebar/source", CHILD, folder, String(round)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lineCount = 10 + round * 29;
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const what = JSON.parse(line) as { kind: string; ids?: string[]; id?: string; revision?: number };
    for (const id of what.ids ?? []) acknowledged.eventIds.add(id);
    if (what.id !== undefined) acknowledged.spent.add(what.id);
    acknowledged.revision = Math.max(acknowledged.revision, what.revision ?? 0);
    lines += 1;
    if (lines === 1) await expect(openSqliteStore({ folder })).rejects.toMatchObject({ code: "HB_STORE_LOCKED" });
    if (lines === lineCount) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  expect(child.signalCode).toBe("SIGKILL");
}

async function allEventIds(folder: string): Promise<readonly string[]> {
  const file = await openSqliteFile(folder);
  expect(file.db.pragma("integrity_check", { simple: true })).toBe("ok");
  const rows = file.db.prepare<[], { readonly event_id: string }>("select event_id from events").all();
  await file.close();
  return rows.map((row) => row.event_id);
}

describe("the embedded store when its process is killed", () => {
  let folder: string;
  const acknowledged: Acknowledged = { eventIds: new Set(), spent: new Set(), revision: 0 };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "handlebar-crash-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(Array.from({ length: ROUND_COUNT }, (_, round) => round))(
    "has everything that was acknowledged, once (round %i)",
    async (round) => {
      await writeAndKill(folder, round, acknowledged);
      const ids = await allEventIds(folder);
      const stored = new Set(ids);
      expect(ids).toHaveLength(stored.size);
      expect([...acknowledged.eventIds].filter((id) => !stored.has(id))).toEqual([]);
      const store = await openSqliteStore({ folder });
      const run = await store.runs.get(workspaceId, `round ${round}`);
      const { items } = await store.events.scan(workspaceId, { runId: `round ${round}` }, { limit: 100_000 });
      expect(run).toMatchObject({
        eventCount: items.length,
        seqMax: Math.max(...items.map(({ json }) => JSON.parse(json).seq)),
      });
      const leases = new Map((await store.budgets.leases(workspaceId)).map((lease) => [lease.leaseId, lease.spent]));
      expect([...acknowledged.spent].filter((id) => leases.get(id) !== 1)).toEqual([]);
      const [read] = await store.budgets.read(workspaceId, [
        { keyText: "k", limit: { amount: 1, windowMs: 86_400_000, isWhole: true } },
      ]);
      expect(read?.used).toBe(leases.size);
      const mark = await store.changes.mark(workspaceId);
      expect(mark.revision).toBeGreaterThanOrEqual(acknowledged.revision);
      expect((await store.policies.get(workspaceId, "p"))?.version).toBe(mark.revision);
      await store.close();
    },
  );
});
