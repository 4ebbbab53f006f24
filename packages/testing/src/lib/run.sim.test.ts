import { Handlebar, type HandlebarConfig, type Run, type Sink } from "@handlebar/core";
import type { AuditEvent, Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { createRandom, type SeededRandom } from "./seeded-random.ts";
import { createSimRuntime } from "./sim-runtime.ts";

const SEEDS = Array.from({ length: 150 }, (_, seed) => seed);
const TOOLS = ["read", "write", "send", "wipe"] as const;

/** Policies that block, hold, redact, count, end runs and ask functions that fail. */
const POLICIES: readonly Policy[] = [
  {
    name: "simulated",
    flow: { sources: [{ tool: { name: "read" }, add: ["seen"], trust: "untrusted" }] },
    rules: [
      { name: "cap", on: "tool.before", when: { kind: "maxCalls", scope: "run", max: 12 }, effect: { type: "block" } },
      {
        name: "agent cap",
        on: "tool.before",
        tool: { name: "write" },
        when: { kind: "maxCalls", scope: "agent", max: 6, windowSeconds: 60 },
        effect: { type: "block" },
      },
      {
        name: "large",
        on: "tool.before",
        when: { kind: "toolArg", path: "n", type: "number", op: "gt", value: 90 },
        effect: { type: "block" },
      },
      {
        name: "wipe ends",
        on: "tool.before",
        tool: { name: "wipe" },
        when: { kind: "toolArg", path: "n", type: "number", op: "gt", value: 70 },
        effect: { type: "block", control: "TERMINATE" },
      },
      { name: "held", on: "tool.before", tool: { name: "wipe" }, effect: { type: "hitl" } },
      {
        name: "risky",
        on: "tool.before",
        tool: { name: "send" },
        when: { kind: "signal", signal: "risk", type: "number", op: "gt", value: 0.5 },
        effect: { type: "block" },
      },
      { name: "no mail", on: "tool.after", effect: { type: "redact", redact: [{ detectors: ["email"] }] } },
    ],
  },
];

interface Execution {
  readonly runId: string;
  readonly callId: string;
  readonly wasTerminated: boolean;
}

interface World {
  readonly events: AuditEvent[];
  readonly executions: Execution[];
  readonly thrown: unknown[];
  readonly outputs: string[];
}

function faultySinks(random: SeededRandom, events: AuditEvent[]): readonly Sink[] {
  return [
    { name: "memory", write: (event) => void events.push(event) },
    {
      name: "throwing",
      write: () => {
        if (random.chance(0.5)) throw new Error("sink threw");
      },
    },
    { name: "rejecting", write: () => (random.chance(0.5) ? Promise.reject(new Error("sink rejected")) : undefined) },
    { name: "hanging", write: () => new Promise(() => undefined), flush: () => new Promise(() => undefined) },
  ];
}

/** Agents that call tools in parallel, end, pause and fall silent, while sinks and the user's functions fail. */
async function simulate(seed: number, config: Partial<HandlebarConfig>): Promise<World> {
  const sim = createSimRuntime(seed);
  const random = createRandom(`agents ${seed}`);
  const world: World = { events: [], executions: [], thrown: [], outputs: [] };
  const hb = Handlebar.init({
    agent: { slug: "sim" },
    policies: POLICIES,
    sinks: faultySinks(random.fork("sinks"), world.events),
    runtime: sim.runtime,
    idleTtlMs: 120_000,
    runTtlMs: 600_000,
    signals: {
      risk: ({ args }) => {
        const { n } = args as { n: number };
        if (n % 7 === 0) throw new Error("signal failed");
        return n % 5 === 0 ? new Promise(() => undefined) : n / 100;
      },
    },
    onApproval: ({ args }) => ((args as { n: number }).n % 3 === 0 ? { status: "denied" } : { status: "approved" }),
    approvalWaitMs: 1000,
    ...config,
  });
  const agents = Array.from({ length: 3 }, (_, index) => agent(hb.startRun(), random.fork(`agent ${index}`), world));
  await sim.clock.runUntil(Promise.all(agents), 3_600_000);
  await sim.clock.runUntil(hb.shutdown(), 60_000);
  return world;

  async function agent(run: Run, own: SeededRandom, seen: World): Promise<void> {
    for (let turn = 0; turn < 8; turn++) {
      const pause = own.int(1, 30_000);
      await new Promise<void>((resolve) => sim.clock.timers.set(() => resolve(), pause));
      const calls = Array.from({ length: own.int(1, 3) }, () => call(run, own, seen));
      if (own.chance(0.08)) void run.end(own.pick(["success", "error", "interrupted"] as const));
      if (own.chance(0.1)) run.pause();
      await Promise.all(calls);
      if (own.chance(0.05)) await new Promise<void>((resolve) => sim.clock.timers.set(() => resolve(), 200_000));
    }
    if (own.chance(0.7)) void run.end();
  }

  async function call(run: Run, own: SeededRandom, seen: World): Promise<void> {
    const name = own.pick(TOOLS);
    const n = own.int(0, 100);
    const callId = sim.runtime.newId();
    const fails = own.chance(0.2);
    const took = own.int(0, 5_000);
    try {
      const done = await run.tool({ name, callId, args: { n, to: "a@example.com" } }, async () => {
        seen.executions.push({ runId: run.runId, callId, wasTerminated: run.terminated });
        await new Promise<void>((resolve) => sim.clock.timers.set(() => resolve(), took));
        if (fails) throw new UserError();
        return { n, mail: "b@example.com" };
      });
      seen.outputs.push(`${callId} ${done.status} ${done.status === "done" ? JSON.stringify(done.result) : ""}`);
    } catch (error) {
      if (!(error instanceof UserError)) seen.thrown.push(error);
      seen.outputs.push(`${callId} threw`);
    }
  }
}

class UserError extends Error {}

function ofKind<K extends AuditEvent["kind"]>(events: readonly AuditEvent[], kind: K): readonly AuditEvent<K>[] {
  // The filter proves the kind.
  return events.filter((event) => event.kind === kind) as unknown as readonly AuditEvent<K>[];
}

describe("runs under simulated agents and faults", () => {
  it.each(SEEDS)(
    "[SPEC 7.1] seed %i: what is blocked does not execute, and nothing starts after the end",
    async (seed) => {
      const { events, executions, thrown } = await simulate(seed, {});
      expect(thrown).toEqual([]);
      const allowed = new Set(
        ofKind(events, "tool.decision")
          .filter((event) => event.data.verdict === "ALLOW")
          .map((event) => event.data.callId),
      );
      expect(executions.filter(({ callId }) => !allowed.has(callId))).toEqual([]);
      expect(executions.filter(({ wasTerminated }) => wasTerminated)).toEqual([]);
    },
  );

  it.each(SEEDS)(
    "[SPEC 7.3] [SPEC 8.1] seed %i: every executed call has one decision and one result, and seq has no gap",
    async (seed) => {
      const { events, executions } = await simulate(seed, {});
      const count = (kind: "tool.decision" | "tool.result", callId: string): number =>
        ofKind(events, kind).filter((event) => event.data.callId === callId).length;
      for (const { callId } of executions) {
        expect([count("tool.decision", callId), count("tool.result", callId)]).toEqual([1, 1]);
      }
      for (const runId of new Set(events.map((event) => event.runId))) {
        const numbers = events.filter((event) => event.runId === runId).map((event) => event.seq);
        expect(numbers).toEqual(numbers.map((_, index) => index));
      }
      for (const runId of new Set(executions.map((execution) => execution.runId))) {
        expect(ofKind(events, "run.ended").filter((event) => event.runId === runId).length).toBe(1);
      }
    },
  );

  it.each(SEEDS.slice(0, 50))("seed %i: shadow lets the agent see what it would see without policies", async (seed) => {
    const shadow = await simulate(seed, { enforceMode: "shadow" });
    const off = await simulate(seed, { enforceMode: "off" });
    expect(shadow.outputs.map(stripId).sort()).toEqual(off.outputs.map(stripId).sort());
    expect(ofKind(off.events, "tool.decision").flatMap((event) => event.data.evaluatedRules)).toEqual([]);
    expect(shadow.thrown).toEqual([]);
  });

  it("[SPEC 1.1] gives the same events for the same seed", async () => {
    const [first, second] = [await simulate(7, {}), await simulate(7, {})];
    expect(first.events).toEqual(second.events);
  });
});

function stripId(line: string): string {
  return line.replace(/^\S+ /, "");
}

describe("a run that never ends", () => {
  it("[SPEC 7.4] keeps its memory within bounds", async () => {
    const sim = createSimRuntime("long");
    const hb = Handlebar.init({ agent: { slug: "sim" }, policies: POLICIES, sinks: [], runtime: sim.runtime });
    const run = hb.startRun();
    for (let n = 0; n < 3_000; n++) {
      const decision = await run.beforeTool({ name: `tool-${n % 50}`, args: { n: 1, text: `value ${n}` } });
      if (n % 2 === 0) await run.afterTool(decision, { result: { text: `result ${n}`.repeat(20) } });
    }
    expect(run.decisions.length).toBe(200);
    expect(JSON.stringify(run.pause()).length).toBeLessThan(400_000);
    for (let n = 0; n < 12_000; n++) hb.startRun();
    expect(sim.clock.pendingTimers().length).toBeLessThanOrEqual(10_001);
    await hb.shutdown();
    expect(sim.clock.pendingTimers()).toEqual([]);
  });
});
