import { Handlebar } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import { parsePolicies } from "@handlebar/policies";
import { describe, expect, it } from "vitest";
import { handlebar, sandbox } from "./sandbox.fixture.ts";

/** Something of everything that remembers: counts beyond a run, sums, sequences, labels, origins, sessions, people, redaction. */
const POLICY = `name: p
flow: { labels: [seen], scope: session, sources: [{ tool: { name: web }, add: [seen], trust: untrusted }, { trust: trusted }] }
rules:
  - { name: people, on: tool.before, tool: { name: refund }, when: { kind: toolArg, path: amount, type: number, op: gt, value: 500 }, effect: { type: hitl } }
  - { name: budget, on: tool.before, tool: { name: refund }, when: { kind: metricWindow, scope: run, metric: usd, aggregate: sum, op: gte, value: 900 }, effect: { type: block } }
  - { name: origin, on: tool.before, tool: { name: send }, when: { kind: argFrom, paths: [to], origins: [untrusted, unseen] }, effect: { type: block } }
  - { name: label, on: tool.before, tool: { name: publish }, when: { kind: label, allOf: [seen] }, effect: { type: block } }
  - { name: order, on: tool.before, tool: { name: send }, when: { kind: sequence, notCalled: [{ name: refund }] }, effect: { type: block } }
  - { name: often, on: tool.before, when: { kind: maxCalls, scope: agent, max: 7, windowSeconds: 3600 }, effect: { type: block, control: TERMINATE } }
  - { name: mail, on: [llm.before, tool.after], effect: { type: redact, redact: [{ detectors: [email] }] } }
`;

describe("a replay of what a client recorded, by the policies that it had", () => {
  it("gives every answer that the client gave", async () => {
    const sink = memorySink();
    const hb = Handlebar.init({
      agent: { slug: "support" },
      policies: parsePolicies(POLICY),
      sinks: [sink],
      capture: { messages: "full", args: "full", results: "full" },
      metrics: ({ phase, tool }) => (phase === "tool.after" && tool?.name === "refund" ? { usd: 450 } : {}),
      approvalWaitMs: 1_000,
      onApproval: ({ args }) => ({ status: JSON.stringify(args).includes("700") ? "approved" : "denied", by: "ada" }),
    });
    const verdicts: string[] = [];
    for (const sessionId of ["s1", "s1", "s2"]) {
      const run = hb.startRun({ sessionId, prompt: "write to ana@example.com" });
      await run.beforeLlm({ messages: [{ role: "user", content: "write to ana@example.com" }] });
      const calls = [
        { name: "publish", args: {} },
        { name: "send", args: { to: "ana@example.com" } },
        { name: "web", args: {}, result: "mail eve@example.com" },
        { name: "refund", args: { amount: 700 } },
        { name: "refund", args: { amount: 600 } },
        { name: "refund", args: { amount: 10 } },
        { name: "refund", args: { amount: 20 } },
        { name: "send", args: { to: "eve@example.com" } },
        { name: "send", args: { to: "ana@example.com" } },
      ];
      for (const { result = "ok", ...call } of calls) {
        const decision = await run.beforeTool(call);
        verdicts.push(`${call.name} ${decision.verdict} ${decision.cause.kind}`);
        if (decision.verdict === "ALLOW") await run.afterTool(decision, { result });
      }
      await run.end("success");
    }
    await hb.shutdown();
    // Each way to be answered is there, so that agreeing says something.
    const kinds = [...new Set(verdicts.map((verdict) => verdict.split(" ").slice(1).join(" ")))].sort();
    expect(kinds).toEqual([
      "ALLOW ALLOW",
      "ALLOW HITL_APPROVED",
      "BLOCK BUDGET_EXHAUSTED",
      "BLOCK HITL_DENIED",
      "BLOCK RULE_VIOLATION",
      "BLOCK RUN_ENDED",
    ]);
    const traffic = sink.events.map((event) => `${JSON.stringify(event)}\n`).join("");
    const folder = sandbox({ "p.yaml": POLICY, "audit.jsonl": traffic });
    const { code, out } = await handlebar(folder, "replay", "--policies", "p.yaml", "--json", "audit.jsonl");
    const report = JSON.parse(out) as { readonly rules: readonly { readonly ruleId: string }[] };
    expect(code).toBe(0);
    expect(report).toMatchObject({
      runs: 3,
      calls: verdicts.length,
      changed: { stricter: 0, milder: 0, examples: [] },
    });
  });
});
