import { Handlebar, type HandlebarConfig, type Run } from "@handlebar/core";
import type { Condition, Decision, Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { createScriptedControlPlane } from "./scripted-control-plane.ts";
import { createSimRuntime } from "./sim-runtime.ts";

const API = "https://api.test";

const block = (tool: string): Policy => ({
  name: `no ${tool}`,
  rules: [{ name: `no ${tool}`, on: "tool.before", tool: { name: tool }, effect: { type: "block" } }],
});

function world(config: Partial<HandlebarConfig> = {}, policies: readonly Policy[] = [block("send")]) {
  const sim = createSimRuntime("failures");
  const plane = createScriptedControlPlane(sim.runtime, { policies });
  const connect = (): void => sim.network.serve(API, plane.handler);
  const cut = (): void => {
    sim.network.remove(API);
    sim.network.cutStreams();
  };
  const init = () =>
    Handlebar.init({
      agent: { slug: "a" },
      apiKey: "hb_key",
      endpoint: API,
      sinks: [],
      runtime: sim.runtime,
      ...config,
    });
  const ask = (run: Run, name: string): Promise<Decision> =>
    sim.clock.runUntil(run.beforeTool({ name, args: {} }), 600_000);
  return { sim, plane, connect, cut, init, ask };
}

describe("[SPEC 6.1] the first call before the control plane answered", () => {
  it.each([
    [false, "ALLOW", "CONTINUE"],
    [true, "BLOCK", "TERMINATE"],
  ] as const)("failClosed %s waits for initTimeoutMs, then answers %s", async (failClosed, verdict, control) => {
    const { sim, init, ask } = world({ failClosed });
    const hb = init();
    const decision = await ask(hb.startRun(), "read");
    expect(decision).toMatchObject({ verdict, control, cause: { kind: "UNAVAILABLE", code: "HB_STATE_NOT_READY" } });
    expect(sim.clock.elapsedMs).toBe(3_000);
    await sim.clock.runUntil(hb.shutdown());
  });

  it.each([false, true])("failClosed %s decides by inline policies, marked", async (failClosed) => {
    const { sim, init, ask } = world({ failClosed, policies: [block("wipe")] });
    const hb = init();
    const run = hb.startRun();
    expect(await ask(run, "wipe")).toMatchObject({ verdict: "BLOCK", cause: { kind: "RULE_VIOLATION" } });
    expect(await ask(run, "read")).toMatchObject({ verdict: "ALLOW", degraded: ["HB_STATE_NOT_READY"] });
    await sim.clock.runUntil(hb.shutdown());
  });

  it("takes what the control plane says as soon as it can be reached", async () => {
    const { sim, connect, init, ask } = world();
    const hb = init();
    const run = hb.startRun();
    expect((await ask(run, "send")).verdict).toBe("ALLOW");
    connect();
    await sim.clock.advance(60_000);
    expect((await ask(run, "send")).verdict).toBe("BLOCK");
    expect(hb.status).toMatchObject({ link: "ready", revision: 1 });
    await sim.clock.runUntil(hb.shutdown());
  });
});

describe("[SPEC 6.1] a control plane that is lost", () => {
  it.each([
    [false, "ALLOW", "ALLOW"],
    [true, "ALLOW", "BLOCK"],
  ] as const)(
    "failClosed %s: local rules go on (%s), and when the state is stale %s",
    async (failClosed, fresh, stale) => {
      const { sim, connect, cut, init, ask } = world({ failClosed });
      connect();
      const hb = init();
      const run = hb.startRun();
      await ask(run, "read");
      await sim.clock.advance(100);
      cut();
      await sim.clock.advance(60_000);
      expect((await ask(run, "read")).verdict).toBe(fresh);
      expect((await ask(run, "send")).cause).toMatchObject({ kind: "RULE_VIOLATION" });
      await sim.clock.advance(400_000);
      expect(await ask(run, "read")).toMatchObject({ verdict: stale, degraded: ["HB_STATE_STALE"] });
      expect((await ask(run, "send")).verdict).toBe("BLOCK");
      await sim.clock.runUntil(hb.shutdown());
    },
  );

  it("changes nothing that the agent can see in shadow", async () => {
    const { sim, init, ask } = world({ failClosed: true, enforceMode: "shadow" });
    const hb = init();
    expect(await ask(hb.startRun(), "read")).toMatchObject({ verdict: "ALLOW", shadow: { verdict: "BLOCK" } });
    await sim.clock.runUntil(hb.shutdown());
  });
});

describe("[SPEC 6.1] a refused key", () => {
  it("is told once, and `ready` rejects with failClosed", async () => {
    const { sim, plane, connect, init, ask } = world({ failClosed: true });
    plane.revokeKey("hb_key");
    connect();
    const hb = init();
    const ready = hb.ready().then(
      () => "resolved",
      (error: unknown) => String(error),
    );
    expect(await sim.clock.runUntil(ready)).toContain("HB_API_AUTH");
    expect(await ask(hb.startRun(), "read")).toMatchObject({ verdict: "BLOCK", cause: { code: "HB_API_AUTH" } });
    await sim.clock.advance(300_000);
    expect(sim.logs.filter((line) => line.message.startsWith("HB_API_AUTH")).length).toBe(1);
    await sim.clock.runUntil(hb.shutdown());
    expect(sim.clock.pendingTimers()).toEqual([]);
  });
});

describe("[SPEC 10.1] a revision that does not compile", () => {
  it("is refused whole and reported; the last good policies stay, and its stop orders hold", async () => {
    const { sim, plane, connect, init, ask } = world();
    connect();
    const hb = init();
    const run = hb.startRun({ sessionId: "s" });
    expect((await ask(run, "send")).verdict).toBe("BLOCK");
    await sim.clock.advance(100);
    const bad = block("read");
    const when = { kind: "toolArg", path: "a", type: "string", op: "matches", value: "(?=x)" } as const;
    plane.setPolicies([{ ...bad, rules: bad.rules.map((rule) => ({ ...rule, when })) }]);
    await sim.clock.advance(100);
    expect((await ask(run, "send")).verdict).toBe("BLOCK");
    expect((await ask(run, "read")).verdict).toBe("ALLOW");
    expect(plane.acks().at(-1)).toMatchObject({ revision: 1, refused: { code: "HB_POLICY_REGEX_INVALID" } });
    plane.addLockdown({ scope: { kind: "session", sessionId: "s" } });
    await sim.clock.advance(100);
    expect(run.terminated).toBe(true);
    await sim.clock.runUntil(hb.shutdown());
  });
});

describe("evaluation: remote", () => {
  it("lets the control plane decide, and goes on locally when it cannot be asked", async () => {
    const { sim, plane, connect, cut, init, ask } = world({ evaluation: "remote" });
    connect();
    const hb = init();
    const run = hb.startRun();
    expect((await ask(run, "send")).verdict).toBe("BLOCK");
    expect((await ask(run, "read")).verdict).toBe("ALLOW");
    expect(sim.network.requests.filter((request) => request.path.endsWith("/v1/agents/check")).length).toBe(2);
    cut();
    expect((await ask(run, "send")).verdict).toBe("BLOCK");
    expect((await ask(run, "read")).verdict).toBe("ALLOW");
    expect(plane.agents().length).toBe(1);
    await sim.clock.runUntil(hb.shutdown());
  });

  it("remembers here what the control plane let through, for when it is away", async () => {
    const when = { kind: "maxCalls", scope: "run", max: 2 } as const;
    const rule = { name: "two calls", on: "tool.before", when, effect: { type: "block" } } as const;
    const { sim, connect, cut, init, ask } = world({ evaluation: "remote" }, [{ name: "calls", rules: [rule] }]);
    connect();
    const hb = init();
    const run = hb.startRun();
    expect((await ask(run, "read")).verdict).toBe("ALLOW");
    expect((await ask(run, "read")).verdict).toBe("ALLOW");
    cut();
    expect((await ask(run, "read")).verdict).toBe("BLOCK");
    await sim.clock.runUntil(hb.shutdown());
  });

  it.each<[string, Condition, Partial<HandlebarConfig>]>([
    [
      "context",
      { kind: "context", path: "tier", type: "string", op: "eq", value: "gold" },
      { context: { tier: "gold" } },
    ],
    ["signals", { kind: "signal", signal: "risk", type: "number", op: "gt", value: 5 }, { signals: { risk: () => 9 } }],
    ["custom conditions", { kind: "custom", name: "odd", args: { n: 3 } }, { customConditions: { odd: () => true } }],
    [
      "functions that failed",
      { kind: "signal", signal: "risk", type: "number", op: "gt", value: 5 },
      { signals: { risk: () => Promise.reject(new Error("no")) } },
    ],
    [
      "subjects",
      { kind: "subject", subjectType: "customer", op: "exists" },
      { subjects: () => [{ subjectType: "customer", value: "c_1" }] },
    ],
  ])("tells the control plane of %s", async (_, when, config) => {
    const rule = { name: "r", on: "tool.before", when, effect: { type: "block" } } as const;
    const { sim, connect, init, ask } = world({ evaluation: "remote", ...config }, [{ name: "p", rules: [rule] }]);
    connect();
    const hb = init();
    expect(await ask(hb.startRun(), "read")).toMatchObject({ verdict: "BLOCK", cause: { kind: "RULE_VIOLATION" } });
    expect(sim.network.requests.filter((request) => request.path.endsWith("/v1/agents/check")).length).toBe(1);
    await sim.clock.runUntil(hb.shutdown());
  });
});
