import type { AckBody } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../storage/store.ts";
import { openTestStore, TEST_WORKSPACE } from "../storage/test-store.test-support.ts";
import type { LockdownReport } from "./lockdowns-service.ts";
import { type ManualRuntime, manualRuntime } from "./manual-runtime.fixture.ts";
import type { Principal } from "./principal.ts";
import { createServices, type Services } from "./services.ts";

const BY: Principal = { workspaceId: TEST_WORKSPACE, keyId: "k", scopes: new Set(["lockdowns:write"]) };
const LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const MINUTE_MS = 60_000;

let store: Store;
let runtime: ManualRuntime;
let services: Services;
let agentId: string;
beforeEach(async () => {
  runtime = manualRuntime();
  store = await openTestStore();
  services = createServices({ store, runtime, log: LOG });
  await services.start();
  agentId = (await services.agents.register(TEST_WORKSPACE, { slug: "support" })).agentId;
});
afterEach(async () => {
  await services.stop();
  await store.close();
});

const say = (clientId: string, more: Partial<AckBody> = {}): Promise<void> =>
  services.agents.acknowledge(TEST_WORKSPACE, agentId, { clientId, revision: 1, lockdownIds: [], ...more });
const connect = (clientId: string): (() => void) =>
  services.agents.presence.connected({ workspaceId: TEST_WORKSPACE, agentId, clientId });
const stop = (): Promise<LockdownReport> =>
  services.lockdowns.create(BY, { lockdownId: "l1", scope: { kind: "agent", slug: "support" } });
const look = (): Promise<LockdownReport> => services.lockdowns.get(TEST_WORKSPACE, "l1");
const standings = ({ stragglers }: LockdownReport): readonly unknown[] =>
  stragglers.map(({ client, standing }) => [client.clientId, standing]);
const counts = ({ clientCount, acknowledgedCount, silentCount }: LockdownReport): readonly number[] => [
  clientCount,
  acknowledgedCount,
  silentCount,
];

describe("who obeys a lockdown", () => {
  it("never counts a client that acts upon no stop order", async () => {
    await stop();
    await say("c1", { lockdownIds: ["l1"] });
    await say("c2", { lockdownIds: ["l1"], enforceMode: "shadow" });
    await say("c3", { lockdownIds: ["l1"], enforceMode: "off" });
    const report = await look();
    expect(counts(report)).toEqual([3, 1, 0]);
    expect(new Set(standings(report))).toEqual(
      new Set([
        ["c2", "shadow"],
        ["c3", "off"],
      ]),
    );
    expect((await services.lockdowns.course(report.record)).startedCount).toBe(1);
  });

  it("waits for a client that is connected and says nothing, however long", async () => {
    connect("mute");
    await services.agents.presence.flush();
    await stop();
    await runtime.advance(60 * MINUTE_MS);
    const report = await look();
    expect([counts(report), standings(report)]).toEqual([[1, 0, 0], [["mute", "late"]]]);
    expect(report.stragglers[0]?.client).toMatchObject({ ackedAtMs: undefined, seenAtMs: runtime.nowMs() });
  });

  it("tells a client that ended without a word from one that is late, and does not wait for it for ever", async () => {
    const leave = connect("lost");
    await say("lost");
    await stop();
    leave();
    await runtime.advance(14 * MINUTE_MS);
    expect(standings(await look())).toEqual([["lost", "late"]]);
    await runtime.advance(2 * MINUTE_MS);
    const report = await look();
    expect([counts(report), standings(report)]).toEqual([[0, 0, 1], [["lost", "silent"]]]);
  });

  it("does not wait for a client that said goodbye, whatever is still open or on its way of it", async () => {
    const leave = connect("c1");
    await say("c1");
    await stop();
    await Promise.all([services.agents.presence.flush(true), say("c1", { left: true })]);
    await services.agents.presence.flush(true);
    leave();
    await services.agents.presence.flush(true);
    expect(counts(await look())).toEqual([0, 0, 0]);
  });

  it("remembers after a restart who was heard from", async () => {
    connect("c1");
    await runtime.advance(MINUTE_MS);
    await services.stop();
    services = createServices({ store, runtime, log: LOG });
    await services.start();
    await stop();
    await runtime.advance(14 * MINUTE_MS);
    expect(standings(await look())).toEqual([["c1", "late"]]);
    await runtime.advance(2 * MINUTE_MS);
    expect(standings(await look())).toEqual([["c1", "silent"]]);
  });

  it("writes down now and then that a client is there, and not every time", async () => {
    connect("c1");
    const seen = async (): Promise<number | undefined> => {
      await services.agents.presence.flush();
      return (await store.agents.clients(TEST_WORKSPACE))[0]?.seenAtMs;
    };
    const firstMs = await seen();
    await runtime.advance(10_000);
    expect(await seen()).toBe(firstMs);
    await runtime.advance(20_000);
    expect(await seen()).toBe((firstMs ?? 0) + 30_000);
  });

  it("keeps who obeyed when, also of clients that have ended since", async () => {
    await say("c1");
    await say("c2");
    const { record } = await stop();
    await runtime.advance(40);
    await say("c1", { revision: 2, lockdownIds: ["l1"] });
    await runtime.advance(60);
    await say("c2", { revision: 2, lockdownIds: ["l1"] });
    await say("c2", { revision: 2, lockdownIds: ["l1"], left: true });
    expect(counts(await look())).toEqual([1, 1, 0]);
    expect(await services.lockdowns.course(record)).toEqual({
      stoppedCount: 2,
      startedCount: 0,
      ackMs: { p50: 40, p99: 100, last: 100 },
      points: [
        { afterMs: 40, acknowledgedCount: 1 },
        { afterMs: 100, acknowledgedCount: 2 },
      ],
    });
  });
});
