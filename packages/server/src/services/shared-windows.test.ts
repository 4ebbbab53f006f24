import { budgetKeyText, type SharedAdd, type SharedNeed } from "@handlebar/engine";
import { type BudgetKey, type Condition, HandlebarError, type Policy } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../storage/store.ts";
import { openTestStore, TEST_WORKSPACE } from "../storage/test-store.test-support.ts";
import { type SharedCall, SharedWindows } from "./shared-windows.ts";

let store: Store;
let callCount = 0;

beforeEach(async () => {
  store = await openTestStore();
});
afterEach(() => store.close());

const window = { scope: "agent", windowSeconds: 3_600 } as const;
const CONDITIONS: Readonly<Record<string, Condition>> = {
  calls: { kind: "maxCalls", max: 3, ...window },
  money: { kind: "metricWindow", metric: "cost", aggregate: "sum", op: "gt", value: 10, estimate: 4, ...window },
  tokens: { kind: "metricWindow", metric: "tokens", aggregate: "sum", op: "gt", value: 100, ...window },
  worst: { kind: "metricWindow", metric: "ms", aggregate: "max", op: "gt", value: 9, ...window },
};
const policies: readonly Policy[] = [
  {
    id: "p",
    name: "p",
    rules: Object.entries(CONDITIONS).map(([id, when]) => ({
      id,
      name: id,
      on: "tool.before",
      when,
      effect: { type: "block" },
    })),
  },
];

const keyOf = (ruleId: string): BudgetKey => ({ policyId: "p", ruleId, index: 0, scope: "agent", scopeId: "support" });

function addOf(ruleId: string, kind: SharedAdd["kind"], amount: number): SharedAdd {
  const isCalls = ruleId === "calls";
  const aggregate = isCalls ? "count" : ruleId === "worst" ? "max" : "sum";
  const limit = { calls: 3, money: 10, tokens: 100 }[ruleId] ?? 9;
  const metric = isCalls ? "calls" : ruleId;
  return { kind, key: keyOf(ruleId), metric, aggregate, windowMs: 3_600_000, limit, exact: false, amount };
}

const needOf = (ruleId: string): SharedNeed => ({ ...addOf(ruleId, "add", 0), amount: 1 });

function open(windows: SharedWindows): SharedCall {
  callCount += 1;
  return windows.open({ workspaceId: TEST_WORKSPACE, operationId: `operation-${callCount}`, policies });
}

/** A process of its own over the same store. */
const processOf = (): SharedWindows =>
  new SharedWindows({ store: { ...store, kind: "postgres" }, runtime: { nowMs: Date.now } });

async function readValue(ruleId: string): Promise<number | null | undefined> {
  const readings = await open(processOf()).read([needOf(ruleId)]);
  return readings?.read(needOf(ruleId))?.value;
}

describe("SharedWindows", () => {
  it("lets no more through than there is room for, whichever process asks", async () => {
    const processes = [processOf(), processOf()];
    const taken = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        open(processes[at % 2] ?? processOf()).take([addOf("calls", "add", 1)], `run ${at}`),
      ),
    );
    expect(taken.filter(Boolean).length).toBe(3);
    expect(await readValue("calls")).toBe(3);
  });

  it("counts a call once, however often it is tried", async () => {
    const call = open(processOf());
    expect(await call.take([addOf("calls", "add", 1)], "run c")).toBe(true);
    expect(await call.take([addOf("calls", "add", 1)], "run c")).toBe(true);
    await call.add([addOf("calls", "add", 1)], "run c");
    expect(await readValue("calls")).toBe(1);
    // For its own decision, made again, the call is not there yet.
    expect((await call.read([needOf("calls")]))?.read(needOf("calls"))?.value).toBe(0);
  });

  it("counts a call that is let through though there is no room", async () => {
    const windows = processOf();
    for (let at = 0; at < 3; at++) await open(windows).take([addOf("calls", "add", 1)], `run ${at}`);
    const call = open(windows);
    expect(await call.take([addOf("calls", "add", 1)], "run c")).toBe(false);
    await call.add([addOf("calls", "add", 1)], "run c");
    expect(await readValue("calls")).toBe(4);
  });

  it("holds an estimate until the call ends, in whichever process it ends", async () => {
    const [here, there] = [processOf(), processOf()];
    await open(here).take([addOf("money", "reserve", 4)], "run a");
    await open(here).take([addOf("money", "reserve", 4)], "run b");
    expect(await readValue("money")).toBe(8);
    expect(await open(there).take([addOf("money", "reserve", 4)], "run c")).toBe(false);
    expect(await readValue("money")).toBe(8);
    await open(there).add([addOf("money", "settle", 1)], "run a");
    expect(await readValue("money")).toBe(5);
    await open(here).add([addOf("money", "release", 0)], "run b");
    expect(await readValue("money")).toBe(1);
  });

  it("holds an estimate for each of two calls of one id", async () => {
    const windows = processOf();
    await open(windows).take([addOf("money", "reserve", 4)], "run a");
    await open(windows).take([addOf("money", "reserve", 4)], "run a");
    expect(await readValue("money")).toBe(8);
    await open(windows).add([addOf("money", "settle", 1)], "run a");
    await open(windows).add([addOf("money", "settle", 1)], "run a");
    expect(await readValue("money")).toBe(2);
  });

  it("counts every result of one call id", async () => {
    const windows = processOf();
    for (let at = 0; at < 3; at++) await open(windows).add([addOf("tokens", "settle", 7)], "run a");
    expect(await readValue("tokens")).toBe(21);
  });

  it("takes nothing of one window for good when another has no room for an estimate", async () => {
    const windows = processOf();
    await open(windows).take([addOf("money", "reserve", 8)], "run a");
    const call = open(windows);
    expect(await call.take([addOf("money", "reserve", 4), addOf("tokens", "reserve", 4)], "run b")).toBe(false);
    expect([await readValue("money"), await readValue("tokens")]).toEqual([8, 0]);
  });

  it("keeps what cannot be leased for all processes too", async () => {
    const [here, there] = [processOf(), processOf()];
    expect(await readValue("worst")).toBeNull();
    await open(here).add([addOf("worst", "add", 4)], "run a");
    await open(there).add([addOf("worst", "add", 9)], "run b");
    await open(here).add([addOf("worst", "add", 6)], "run c");
    expect(await readValue("worst")).toBe(9);
  });

  it("reads nothing where the store cannot be reached", async () => {
    const read = (): Promise<never> => Promise.reject(new HandlebarError("HB_STORE_UNAVAILABLE", "away"));
    const windows = new SharedWindows({
      store: { ...store, budgets: { ...store.budgets, read } },
      runtime: { nowMs: Date.now },
    });
    expect(await open(windows).read([needOf("calls")])).toBeUndefined();
  });

  it("writes under the keys that clients lease", async () => {
    await open(processOf()).take([addOf("calls", "add", 1)], "run a");
    const limit = { amount: 3, windowMs: 3_600_000, isWhole: true };
    const [read] = await store.budgets.read(TEST_WORKSPACE, [{ keyText: budgetKeyText(keyOf("calls")), limit }]);
    expect(read?.used).toBe(1);
  });
});
