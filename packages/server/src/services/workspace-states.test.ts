import type { Lockdown, Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { CHANGE_POLL_MS } from "../limits.ts";
import type { LockdownRecord } from "../storage/lockdowns-table.ts";
import type { PolicyRecord } from "../storage/policies-table.ts";
import type { Store } from "../storage/store.ts";
import { createChangeFeed } from "./change-feed.ts";
import { manualRuntime, settled } from "./manual-runtime.fixture.ts";
import { memoryChanges } from "./memory-changes.fixture.ts";
import { createWorkspaceStates, type SnapshotChange } from "./workspace-states.ts";

/** States over tables in memory that count how often they are read. */
async function world() {
  const changes = memoryChanges();
  const runtime = manualRuntime();
  const policies = new Map<string, PolicyRecord>();
  const lockdowns = new Map<string, LockdownRecord>();
  const reads = { policies: 0, lockdowns: 0 };
  /** Runs in the middle of a reading. */
  let onRead: (() => void) | undefined;
  const store = {
    changes,
    policies: {
      list: async () => {
        reads.policies++;
        const listed = [...policies.values()];
        await settled();
        onRead?.();
        onRead = undefined;
        return listed;
      },
    },
    lockdowns: {
      inForce: async () => {
        reads.lockdowns++;
        return [...lockdowns.values()];
      },
    },
    // Only what states read is here.
  } as unknown as Pick<Store, "changes" | "policies" | "lockdowns">;
  const feed = createChangeFeed({ store, runtime });
  const states = createWorkspaceStates({ store, runtime, feed });
  await feed.start();
  const told: SnapshotChange[] = [];
  states.onChange((change) => told.push(change));
  let version = 0;
  return {
    changes,
    runtime,
    states,
    told,
    reads,
    feed,
    whileReading: (run: () => void) => {
      onRead = run;
    },
    save: (id: string, policy: Partial<Policy> = {}) => {
      const whole: Policy = { name: id, rules: [], ...policy, id };
      policies.set(id, {
        workspaceId: "w",
        policyId: id,
        version: ++version,
        policy: whole,
        createdAtMs: 0,
        updatedAtMs: 0,
        updatedBy: "k",
        deletedAtMs: undefined,
      });
      return changes.record("w", "policies", id);
    },
    lock: (lockdownId: string) => {
      const lockdown: Lockdown = { lockdownId, scope: { kind: "workspace" } };
      const record = { workspaceId: "w", lockdown, revision: 0, createdAtMs: 0, createdBy: "k" };
      lockdowns.set(lockdownId, { ...record, liftedAtMs: undefined, liftedBy: undefined });
      return changes.record("w", "lockdowns", lockdownId);
    },
  };
}

const ids = ({ policies }: { readonly policies: readonly Policy[] }): readonly (string | undefined)[] =>
  policies.map(({ id }) => id);

describe("what is in force in a workspace", () => {
  it("is read once, and again only after a change", async () => {
    const { states, save, reads } = await world();
    save("a");
    expect(ids(await states.get("w"))).toEqual(["a"]);
    const first = await states.get("w");
    expect([first.revision, reads.policies, states.revision("w")]).toEqual([1, 1, 1]);
    save("b");
    await settled();
    expect(states.revision("w")).toBe(2);
    const second = await states.get("w");
    expect([second.revision, ids(second), reads.policies]).toEqual([2, ["a", "b"], 2]);
    expect(second.policies[0]).toBe(first.policies[0]);
  });

  it("reads no policy again for a lockdown, and says that only lockdowns changed", async () => {
    const { states, save, lock, reads, told } = await world();
    save("a");
    const first = await states.get("w");
    const unwatch = states.watch("w");
    lock("l");
    await settled();
    await settled();
    const second = states.peek("w");
    expect([reads.policies, second?.revision, second?.lockdowns.map(({ lockdownId }) => lockdownId)]).toEqual([
      1,
      2,
      ["l"],
    ]);
    expect(second?.policies).toBe(first.policies);
    expect(told.map(({ isOnlyLockdowns, agents }) => [isOnlyLockdowns, agents])).toEqual([[true, []]]);
    unwatch();
  });

  it("never wears an older revision than what it holds, and lacks nothing of its own", async () => {
    const { states, save, whileReading } = await world();
    save("a");
    whileReading(() => save("b"));
    const snapshot = await states.get("w");
    expect([snapshot.revision, ids(snapshot)]).toEqual([2, ["a", "b"]]);
  });

  it("holds what was committed before `fresh` was asked, also while another reading is under way", async () => {
    const { states, save, changes } = await world();
    changes.hasHints = false;
    save("a");
    const early = states.get("w");
    save("b");
    expect(ids(await states.fresh("w"))).toEqual(["a", "b"]);
    await early;
    save("c");
    expect(ids(await states.get("w"))).toEqual(["a", "b"]);
    expect(ids(await states.fresh("w"))).toEqual(["a", "b", "c"]);
  });

  it("gives nobody what it is about to replace", async () => {
    const { states, save, feed, whileReading } = await world();
    save("a");
    await states.get("w");
    save("b");
    await feed.refresh("w");
    // The second one asks in the middle of the reading that the first one began.
    let second: Promise<readonly (string | undefined)[]> | undefined;
    whileReading(() => {
      second = states.get("w").then(ids);
    });
    expect([ids(await states.get("w")), await second]).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
  });

  it("wakes who waits for the next revision, and lets go when the time is over or the client has gone", async () => {
    const { states, save, runtime } = await world();
    save("a");
    await states.get("w");
    const { signal } = new AbortController();
    const held = states.next("w", 1, { waitMs: 5_000, signal });
    await settled();
    save("b");
    expect((await held).revision).toBe(2);
    const over = states.next("w", 2, { waitMs: 5_000, signal });
    await settled();
    await runtime.advance(5_000);
    expect((await over).revision).toBe(2);
    const gone = new AbortController();
    const left = states.next("w", 2, { waitMs: 5_000, signal: gone.signal });
    await settled();
    gone.abort();
    expect((await left).revision).toBe(2);
    // Who is behind is not held.
    expect((await states.next("w", 0, { waitMs: 5_000, signal })).revision).toBe(2);
  });

  it("follows a store that was restored from a backup, whose revisions went on elsewhere", async () => {
    const { states, save, changes } = await world();
    save("a");
    await states.get("w");
    changes.hasHints = false;
    for (let at = 0; at < 3; at++) save(`p${at}`);
    await changes.prune(4);
    expect((await states.fresh("w")).revision).toBe(4);
  });

  it("comes to the newest revision by itself once the store can be read again", async () => {
    const { states, save, changes, runtime, told } = await world();
    save("a");
    await states.get("w");
    states.watch("w");
    save("b");
    changes.failure = new Error("gone");
    await runtime.advance(CHANGE_POLL_MS * 2);
    expect(told).toEqual([]);
    changes.failure = undefined;
    await runtime.advance(CHANGE_POLL_MS * 2);
    expect(told.map(({ snapshot }) => snapshot.revision)).toEqual([2]);
    expect(ids(await states.get("w"))).toEqual(["a", "b"]);
  });

  it("gives each agent its policies, compiled once for all that have the same ones", async () => {
    const { states, save } = await world();
    save("all");
    save("support", { agents: { anyOfSlugs: ["support"] } });
    const snapshot = await states.get("w");
    const a = { slug: "a", tags: ["x"] };
    expect(ids({ policies: snapshot.policiesFor({ slug: "support" }) })).toEqual(["all", "support"]);
    expect(ids({ policies: snapshot.policiesFor(a) })).toEqual(["all"]);
    expect(snapshot.policiesFor({ slug: "b" })).toBe(snapshot.policiesFor(a));
    expect(snapshot.setFor({ slug: "b" })).toBe(snapshot.setFor(a));
    expect(JSON.parse(snapshot.stateJsonFor(a, 7))).toEqual(snapshot.stateFor(a, 7));
  });
});
