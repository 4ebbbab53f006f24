import { Handlebar } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import { createReplay, parsePolicies } from "@handlebar/policies";
import type { Decision } from "@handlebar/protocol";
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

interface Call {
  readonly name: string;
  readonly args: Readonly<Record<string, string | number>>;
  readonly result?: string;
}

/** What a decision says. Not when a window has room again: an event is stamped a moment after its decision was made. */
function gist({ verdict, control, cause, evaluatedRules }: Decision): object {
  const { resetAt: _resetAt, ...why } = { resetAt: undefined, ...cause };
  return { verdict, control, cause: why, evaluatedRules };
}

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
      const calls: readonly Call[] = [
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
    const recorded = sink.events.filter((event) => event.kind === "tool.decision").map((event) => gist(event.data));
    const decided: object[] = [];
    const replay = createReplay(parsePolicies(POLICY), {
      onDecision: ({ recorded: then }, decision) => {
        // What came after the end of a run no policy decided.
        decided.push(
          then?.cause.kind === "RUN_ENDED"
            ? gist({ ...decision, ...then, control: "TERMINATE", evaluatedRules: [] })
            : gist(decision),
        );
      },
    });
    for (const event of sink.events) replay.feed(event);
    expect(decided).toEqual(recorded);
    const traffic = sink.events.map((event) => `${JSON.stringify(event)}\n`).join("");
    const folder = sandbox({ "p.yaml": POLICY, "audit.jsonl": traffic });
    const { code, out } = await handlebar(folder, "replay", "--policies", "p.yaml", "--json", "audit.jsonl");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(replay.report());
    expect(replay.report()).toMatchObject({
      runs: 3,
      calls: verdicts.length,
      modelCalls: 3,
      changed: { stricter: 0, milder: 0, examples: [] },
    });
  });
});
