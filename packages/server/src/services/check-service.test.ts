import { type CheckFacts, type Decision, HandlebarError, type Policy } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLog } from "../life/logger.ts";
import { processRuntime } from "../life/process-runtime.ts";
import type { RunStatesTable } from "../storage/run-states-table.ts";
import type { Store } from "../storage/store.ts";
import { openTestStore, TEST_WORKSPACE } from "../storage/test-store.test-support.ts";
import { createServices, type Services } from "./services.ts";

let store: Store;
let services: Services;
const asked: string[] = [];

beforeEach(async () => {
  store = await openTestStore();
  services = await start(store);
});

afterEach(async () => {
  await services.stop();
  await store.close();
});

async function start(over: Store): Promise<Services> {
  const started = createServices({ store: over, runtime: processRuntime(), log: createLog("silent") });
  await started.start();
  return started;
}

/** The store with a note of each time that it is asked about runs. */
function watched(): Store {
  asked.length = 0;
  const get: RunStatesTable["get"] = (...args) => {
    asked.push("state");
    return store.runStates.get(...args);
  };
  const put: RunStatesTable["put"] = (...args) => {
    asked.push("write");
    return store.runStates.put(...args);
  };
  const run: Store["runs"]["get"] = (...args) => {
    asked.push("run");
    return store.runs.get(...args);
  };
  return { ...store, runStates: { ...store.runStates, get, put }, runs: { ...store.runs, get: run } };
}

async function setPolicies(rules: Policy["rules"]): Promise<void> {
  await services.agents.register(TEST_WORKSPACE, { slug: "support" });
  const policy: Policy = { id: "p", name: "p", rules };
  await store.policies.write(TEST_WORKSPACE, [{ policyId: "p", policy }], { keyId: "k", nowMs: 1 });
  await services.states.fresh(TEST_WORKSPACE);
}

function check(by: Services, facts: Partial<CheckFacts>): Promise<readonly Decision[]> {
  const call: CheckFacts = { phase: "tool.before", runId: "run", tool: { name: "x" }, ...facts };
  return by.check.check(TEST_WORKSPACE, { agentId: "support", facts: call });
}

const REMEMBERING: Policy["rules"] = [
  {
    name: "r",
    on: "tool.before",
    when: { kind: "maxCalls", scope: "run", max: 2 },
    effect: { type: "block", control: "TERMINATE" },
  },
];

const STATELESS: Policy["rules"] = [
  {
    name: "r",
    on: "tool.before",
    when: { kind: "toolArg", path: "n", type: "number", op: "gt", value: 5 },
    effect: { type: "block", control: "TERMINATE" },
  },
];

describe("CheckService", () => {
  it("goes on with a run after a restart", async () => {
    await setPolicies(REMEMBERING);
    await check(services, {});
    await check(services, {});
    const again = await start(store);
    expect(await check(again, {})).toMatchObject([{ verdict: "BLOCK", control: "TERMINATE" }]);
    const third = await start(store);
    expect(await check(third, {})).toMatchObject([{ cause: { kind: "RUN_ENDED" } }]);
    await Promise.all([again.stop(), third.stop()]);
  });

  it("counts the calls of one run over several processes", async () => {
    await setPolicies(REMEMBERING);
    const shared = { ...store, kind: "postgres" } as const;
    const processes = [await start(shared), await start(shared), await start(shared)];
    const decisions = await Promise.all(
      processes.flatMap((one) => [check(one, { callId: "a" }), check(one, { callId: "b" })]),
    );
    const verdicts = decisions.flat().map(({ verdict }) => verdict);
    expect(verdicts.filter((verdict) => verdict === "ALLOW").length).toBe(2);
    await Promise.all(processes.map((one) => one.stop()));
  });

  it("asks the store of a run once, and writes nothing, where no rule remembers", async () => {
    await setPolicies(STATELESS);
    const quiet = await start(watched());
    for (let at = 0; at < 5; at++)
      expect(await check(quiet, { args: { n: at } })).toMatchObject([{ verdict: "ALLOW" }]);
    expect([...asked].sort()).toEqual(["run", "state"]);
    expect(await check(quiet, { args: { n: 9 } })).toMatchObject([{ control: "TERMINATE" }]);
    expect(asked).toContain("write");
    expect(await check(quiet, { args: { n: 1 } })).toMatchObject([{ cause: { kind: "RUN_ENDED" } }]);
    await quiet.stop();
  });

  it("writes once for all calls of a batch that are of one run", async () => {
    await setPolicies(REMEMBERING);
    const quiet = await start(watched());
    const facts = ["a", "a", "b"].map((runId): CheckFacts => ({ phase: "tool.before", runId, tool: { name: "x" } }));
    await quiet.check.check(TEST_WORKSPACE, { agentId: "support", facts });
    expect(asked.filter((what) => what === "write").length).toBe(2);
    await quiet.stop();
  });

  it("decides by the fail mode where shared windows cannot be read", async () => {
    await setPolicies([
      {
        name: "r",
        on: "tool.before",
        when: { kind: "maxCalls", scope: "agent", max: 5, windowSeconds: 60 },
        effect: { type: "block" },
      },
    ]);
    const away = (): Promise<never> => Promise.reject(new HandlebarError("HB_STORE_UNAVAILABLE", "away"));
    const cut = await start({ ...store, budgets: { ...store.budgets, read: away, apply: away } });
    expect(await check(cut, {})).toMatchObject([{ verdict: "BLOCK", cause: { kind: "UNAVAILABLE" } }]);
    const facts: CheckFacts = { phase: "tool.before", runId: "run", tool: { name: "x" } };
    const open = { agentId: "support", facts, failClosed: false };
    // What is let through cannot be counted then, which is no decision: the request fails as the store does.
    await expect(cut.check.check(TEST_WORKSPACE, open)).rejects.toMatchObject({ code: "HB_STORE_UNAVAILABLE" });
    await cut.stop();
  });
});
