import type { AuditEvent } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { REPLAY_LIMITS } from "./limits.ts";
import { asked, called, doneBy, event, policiesOf, replayed, returned, said, started } from "./replay.fixture.ts";
import { createReplay } from "./replay.ts";

const HOLD_PAY = policiesOf("- { name: pay, on: tool.before, tool: { name: pay }, effect: { type: hitl } }");
const BLOCK_PAY = policiesOf(
  "- { name: pay, on: tool.before, tool: { name: pay }, effect: { type: block, control: TERMINATE } }",
);

describe("a replay's report", () => {
  it("has answers, rules, policies and examples", () => {
    const rows = [started(), called("look"), called("pay", { args: { amount: 9 } }, { stepIndex: 1 })];
    const example = { runId: "r1", callId: "call-pay", step: 1, tool: "pay", args: '{"amount":9}' };
    const done = { blocked: 1, held: 0, redacted: 0, terminated: 1 };
    expect(replayed(BLOCK_PAY, rows)).toEqual({
      rows: 3,
      skipped: {},
      runs: 1,
      forgottenRuns: 0,
      calls: 2,
      modelCalls: 0,
      answers: { allowed: 1, held: 0, blocked: 1, terminated: 1 },
      answersWithShadow: { allowed: 1, held: 0, blocked: 1, terminated: 1 },
      changed: { stricter: 1, milder: 0, examples: [{ ...example, recorded: "allowed", now: "blocked" }] },
      policies: [{ policyId: "p", mode: "enforce", ...done }],
      rules: [{ policyId: "p", ruleId: "p/pay", mode: "enforce", asked: 1, ...done, examples: [example] }],
      gaps: { lostEvents: 0, incomplete: 0, cutRuns: 0, missing: [] },
    });
  });

  it("shows at most five examples of a rule, their arguments cut to 200 characters", () => {
    const rows = Array.from({ length: 9 }, () => called("pay", { args: { note: "x".repeat(500) } }));
    const [rule] = replayed(BLOCK_PAY, rows).rules;
    expect(rule?.blocked).toBe(9);
    expect(rule?.examples.map(({ args }) => args.length)).toEqual([200, 200, 200, 200, 200]);
  });

  it("counts what shadow policies would do, and lets them answer nothing", () => {
    const shadow = policiesOf("- { name: pay, on: tool.before, effect: { type: block } }", "mode: shadow\n");
    const report = replayed(shadow, [called("pay")]);
    expect(doneBy(report)).toEqual({ "p/pay": [1, 0, 0, 0] });
    expect(report.answers).toEqual({ allowed: 1, held: 0, blocked: 0, terminated: 0 });
    expect(report.answersWithShadow).toEqual({ allowed: 0, held: 0, blocked: 1, terminated: 0 });
    expect(report.changed).toEqual({ stricter: 0, milder: 0, examples: [] });
  });

  it("counts a redaction where something is taken out, in whatever a call carries", () => {
    const policies = policiesOf(
      `- name: mail
  on: [tool.before, tool.after, llm.before, llm.after]
  effect: { type: redact, redact: [{ detectors: [email] }] }`,
    );
    const answer = event("llm.result", { callId: "model-1", outcome: "success" });
    const clean = [called("a"), returned("a", { result: "none" }), said("user", "hello"), asked(), answer];
    const rule = (rows: readonly unknown[]) => replayed(policies, rows).rules.map((one) => [one.asked, one.redacted]);
    expect(rule(clean)).toEqual([[4, 0]]);
    const text = "ana@example.com";
    const full = [
      called("a", { args: { text } }),
      returned("a", { result: [text] }),
      said("user", text),
      asked(),
      answer,
    ];
    expect(rule([...full, said("assistant", text)])).toEqual([[4, 4]]);
  });

  it("says which rules no call of the record was for", () => {
    const other = policiesOf(
      "- { name: pay, on: tool.before, effect: { type: block } }",
      "agents: { anyOfSlugs: [billing] }\n",
    );
    expect(replayed(other, [called("pay")]).rules.map((rule) => [rule.asked, rule.blocked])).toEqual([[0, 0]]);
  });
});

describe("beside the record", () => {
  it("nothing changes when a held call was approved, and it counts as held", () => {
    const approved = { kind: "HITL_APPROVED", approvalId: "a1", by: "ana" } as const;
    const report = replayed(HOLD_PAY, [called("pay", { cause: approved }), returned("pay")]);
    expect(report.answers).toEqual({ allowed: 0, held: 1, blocked: 0, terminated: 0 });
    expect(report.changed).toEqual({ stricter: 0, milder: 0, examples: [] });
    expect(doneBy(report)).toEqual({ "p/pay": [0, 1, 0, 0] });
  });

  it("a call that was blocked and would run is milder", () => {
    const cause = { kind: "RULE_VIOLATION", ruleId: "x", policyId: "x" } as const;
    const report = replayed(HOLD_PAY, [called("look", { verdict: "BLOCK", cause })]);
    expect(report.changed).toEqual({
      stricter: 0,
      milder: 1,
      examples: [{ runId: "r1", callId: "call-look", tool: "look", args: "{}", recorded: "blocked", now: "allowed" }],
    });
  });

  it.each([{ kind: "LOCKDOWN", lockdownId: "l1" } as const, { kind: "RUN_ENDED" } as const])(
    "what was stopped by $kind is not compared",
    (cause) => {
      expect(replayed(HOLD_PAY, [called("look", { verdict: "BLOCK", cause })]).changed.milder).toBe(0);
    },
  );

  it("counts go by what ran then: neither by the candidate, nor by what was blocked", () => {
    const two = policiesOf(
      "- { name: two, on: tool.before, when: { kind: maxCalls, scope: run, max: 2 }, effect: { type: block } }",
    );
    const cause = { kind: "RULE_VIOLATION", ruleId: "x", policyId: "x" } as const;
    const blocked = called("b", { verdict: "BLOCK", cause });
    const report = replayed(two, [called("a"), blocked, blocked, called("c"), called("d"), called("e")]);
    expect(report.answers).toEqual({ allowed: 4, held: 0, blocked: 2, terminated: 0 });
  });
});

describe("what a replay remembers", () => {
  const slow = policiesOf(
    "- { name: slow, on: tool.before, when: { kind: executionTime, scope: run, op: gt, valueMs: 1500 }, effect: { type: block } }",
  );

  it("is the time of the record, from the first row where the start is missing", () => {
    expect(doneBy(replayed(slow, [called("a"), called("b", {}, { atMs: 2_000 })]))).toEqual({ "p/slow": [1, 0, 0, 0] });
  });

  it("is a second for each call of rows without times", () => {
    const rows = [1, 2, 3, 4].map((step) => ({ run_id: "r", step, tool: "a", result: "ok" }));
    const [rule] = replayed(slow, rows).rules;
    expect(rule?.examples.map(({ step }) => step)).toEqual([3, 4]);
  });

  it("is the agent, the actor and the session that rows of a run without a start name", () => {
    const policies = policiesOf(
      "- { name: a, on: tool.before, when: { kind: maxCalls, scope: actor, max: 1, windowSeconds: 60 }, effect: { type: block } }",
      "agents: { anyOfSlugs: [support] }\n",
    );
    const row = { ...called("a"), actorExternalId: "u1" };
    expect(doneBy(replayed(policies, [row, { ...row, runId: "r2" }]))).toEqual({ "p/a": [1, 0, 0, 0] });
  });

  it("is what calls of other runs came to, in windows beyond a run", () => {
    const policies = policiesOf(
      "- { name: spent, on: tool.before, when: { kind: metricWindow, scope: agent, metric: usd, aggregate: sum, op: gte, value: 10, windowSeconds: 60 }, effect: { type: block } }",
    );
    const second = { runId: "r2", atMs: 1_000 };
    const later = { runId: "r2", atMs: 70_000 };
    const rows = [
      called("a"),
      returned("a", { metrics: { usd: 10 } }),
      called("b", {}, second),
      called("c", {}, later),
    ];
    expect(replayed(policies, rows).rules[0]?.examples.map(({ tool }) => tool)).toEqual(["b"]);
  });

  it("is the labels of a session, where policies keep them", () => {
    const policies = policiesOf(
      "- { name: a, on: tool.before, tool: { name: send }, when: { kind: label, allOf: [seen] }, effect: { type: block } }",
      "flow: { labels: [seen], scope: session, sources: [{ tool: { name: web }, add: [seen] }] }\n",
    );
    const [first, second, other] = [
      { sessionId: "s1" },
      { sessionId: "s1", runId: "r2" },
      { sessionId: "s2", runId: "r3" },
    ];
    const rows = [
      called("web", {}, first),
      returned("web", {}, first),
      called("send", {}, second),
      called("send", {}, other),
    ];
    expect(replayed(policies, rows).rules[0]?.examples.map(({ runId }) => runId)).toEqual(["r2"]);
  });

  it("is the messages of a run, for what goes to a model and what comes back", () => {
    const mail = "detectors: [email]";
    const policies = policiesOf(
      `- { name: out, on: llm.before, when: { kind: sensitiveData, ${mail} }, effect: { type: redact, redact: [{ ${mail} }] } }
- { name: back, on: llm.after, when: { kind: sensitiveData, ${mail} }, effect: { type: block } }`,
    );
    const result = event("llm.result", { callId: "model-1", outcome: "success" });
    const rows = [said("user", "I am ana@example.com"), asked(), result, said("assistant", "Hello ana@example.com")];
    const report = replayed(policies, rows);
    expect(report.modelCalls).toBe(1);
    expect(doneBy(report)).toEqual({ "p/out": [0, 0, 1, 0], "p/back": [1, 0, 0, 0] });
    const unanswered = replayed(policies, [said("user", "hello"), asked(), result]);
    expect(doneBy(unanswered)).toEqual({ "p/out": [0, 0, 0, 0], "p/back": [0, 0, 0, 0] });
  });

  it("is bounded, and what was forgotten is counted", () => {
    const two = policiesOf(
      "- { name: two, on: tool.before, when: { kind: maxCalls, scope: run, max: 1 }, effect: { type: block } }",
    );
    const replay = createReplay(two);
    const { runCountMax } = REPLAY_LIMITS;
    for (let run = 0; run <= runCountMax; run += 1) replay.feed({ run_id: `r${run}`, tool: "a" });
    replay.feed({ run_id: "r1", tool: "a" });
    replay.feed({ run_id: "r0", tool: "a" });
    const { runs, forgottenRuns, rules } = replay.report();
    expect([runs, forgottenRuns]).toEqual([runCountMax + 2, 2]);
    expect(rules[0]?.examples.map(({ runId }) => runId)).toEqual(["r1"]);
  });

  it("goes with the end of a run", () => {
    const replay = createReplay(HOLD_PAY);
    for (let run = 0; run <= REPLAY_LIMITS.runCountMax; run += 1) {
      replay.feed(started({}, { runId: `r${run}` }));
      replay.feed(event("run.ended", { status: "success", steps: 0 }, { runId: `r${run}` }));
    }
    expect(replay.report().forgottenRuns).toBe(0);
  });
});

describe("gaps of a record", () => {
  it("are told: what was lost, masked, or asked of the host", () => {
    const policies = policiesOf(
      `- { name: s, on: tool.before, when: { kind: signal, signal: risk, type: number, op: gt, value: 1 }, effect: { type: block } }
- { name: c, on: tool.before, when: { kind: custom, name: vip }, effect: { type: allow } }`,
    );
    const counts = [{ reason: "full", kind: "tool.result", count: 3 }];
    const report = replayed(policies, [
      called("a", {}, { redaction: { findings: { email: 1 } } }),
      called("b"),
      said("user", "[redacted:email]", { redaction: { findings: { email: 1 } } }),
      event("events.dropped", { counts, ranges: [] }),
    ]);
    expect(report.gaps).toEqual({
      lostEvents: 3,
      incomplete: 2,
      cutRuns: 1,
      missing: ["custom condition vip", "signal risk"],
    });
    expect(report.runs).toBe(1);
  });

  it("are runs whose beginning is not in the record, as long as it does not come after all", () => {
    const replay = createReplay(HOLD_PAY);
    const rows = [called("a", {}, { runId: "whole" }), called("a"), started({}, { runId: "whole" }), called("a")];
    for (const row of [{ run_id: "plain", tool: "a" }, ...rows]) replay.feed(row);
    expect([replay.report().runs, replay.report().gaps.cutRuns]).toEqual([3, 1]);
  });

  it("are not what comes after the end of a run", () => {
    const rows = [started(), called("a"), event("run.ended", { status: "success", steps: 1 }), returned("a")];
    const { runs, gaps } = replayed(HOLD_PAY, rows);
    expect([runs, gaps.cutRuns]).toEqual([1, 0]);
  });

  it("let no row stop the replay, and are counted by reason up to a bound", () => {
    const replay = createReplay(HOLD_PAY);
    expect(replay.feed(7)).toEqual({ ok: false, reason: "is not an object" });
    for (let at = 0; at < 200; at += 1) replay.feed({ ...called("a"), [`field${at}`]: 1 });
    expect(replay.feed(called("pay"))).toEqual({ ok: true });
    const { skipped, calls, rows } = replay.report();
    expect([rows, calls]).toEqual([202, 1]);
    expect(Object.values(skipped).reduce((sum, count) => sum + count, 0)).toBe(201);
    expect(Object.keys(skipped).length).toBeLessThanOrEqual(REPLAY_LIMITS.skipReasonCountMax + 1);
  });
});

describe("events that were checked when they were stored", () => {
  const policies = policiesOf(
    `- { name: often, on: tool.before, when: { kind: maxCalls, scope: agent, max: 2, windowSeconds: 60 }, effect: { type: block } }
- { name: order, on: tool.before, tool: { name: pay }, when: { kind: sequence, notCalled: [{ name: look }] }, effect: { type: hitl } }`,
  );
  const rows = [
    started({}, { runId: "early" }),
    called("look", {}, { runId: "early" }),
    called("look"),
    called("pay", {}, { runId: "early" }),
    called("pay", {}, { runId: "late" }),
  ] as AuditEvent[];

  it("are decided as rows are", () => {
    const replay = createReplay(policies);
    for (const row of rows) replay.feedEvent(row);
    expect(replay.report()).toEqual(replayed(policies, rows));
  });

  it("are remembered and not counted where they lead in", () => {
    const told: string[] = [];
    const replay = createReplay(policies, { onDecision: ({ runId, tool }) => told.push(`${runId} ${tool}`) });
    rows.forEach((row, at) => {
      replay.feedEvent(row, at < 3 ? "lead-in" : undefined);
    });
    const report = replay.report();
    expect(told).toEqual(["early pay", "late pay"]);
    expect(report).toMatchObject({ rows: 2, runs: 2, calls: 2, answers: { blocked: 2 }, gaps: { cutRuns: 1 } });
    expect(doneBy(report)).toEqual({ "p/often": [2, 0, 0, 0], "p/order": [0, 1, 0, 0] });
  });
});
