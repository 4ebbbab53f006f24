import { describe, expect, it } from "vitest";
import { handlebar, line, POLICY, sandbox } from "./sandbox.fixture.ts";

const replay = (files: Readonly<Record<string, string>>, ...args: readonly string[]) =>
  handlebar(sandbox(files), "replay", "--policies", "p.yaml", ...args, "t.jsonl");

const refund = (step: number, amount: number): string => line({ step, args: { amount }, result: "ok" });

describe("handlebar replay", () => {
  it("says per rule what it would have done, with examples", async () => {
    const ran = await replay({ "p.yaml": POLICY, "t.jsonl": refund(1, 80) + refund(2, 900) + refund(3, 700) });
    expect(ran).toEqual({
      code: 0,
      err: "",
      out: `1 run, 3 tool calls, 0 model calls: 1 allowed, 0 held, 2 blocked, 0 ending their run
beside the record: 2 stricter, 0 milder

  rule           asked  blocked  held  redacted  ending runs
  refunds/large      3        2     0         0            0

  refunds/large
    r1 step 2  refund  {"amount":900}
    r1 step 3  refund  {"amount":700}
`,
    });
  });

  it("says what shadow policies would do beside what they do", async () => {
    const shadow = POLICY.replace("rules:", "mode: shadow\nrules:");
    const { out } = await replay({ "p.yaml": shadow, "t.jsonl": refund(1, 900) });
    expect(out).toContain("1 tool call, 0 model calls: 1 allowed, 0 held, 0 blocked");
    expect(out).toContain("with shadow policies enforced: 0 allowed, 0 held, 1 blocked");
    expect(out).toMatch(/refunds\/large \(shadow\) +1 +1 +0 +0 +0\n/);
  });

  it("names lines that cannot be read, says why, and goes on", async () => {
    const traffic = `${refund(1, 900)}{nonsense\n\n7\n${line({ run_id: 7 })}${refund(2, 900)}`;
    const { code, out, err } = await replay({ "p.yaml": POLICY, "t.jsonl": traffic }, "--json");
    expect(code).toBe(1);
    expect(err).toBe(`t.jsonl:2: is not JSON
t.jsonl:4: is not an object; see \`handlebar help replay\`
t.jsonl:5: \`run_id\` must be text; see \`handlebar help replay\`
3 lines could not be read
`);
    expect(JSON.parse(out)).toMatchObject({ calls: 2, rows: 4, answers: { blocked: 2 } });
  });

  it("names ten bad lines at most, and fails where no line was good", async () => {
    const { code, err } = await replay({ "p.yaml": POLICY, "t.jsonl": "x\n".repeat(30) });
    expect(code).toBe(2);
    expect(err.match(/is not JSON/g)).toHaveLength(10);
    expect(err).toContain("30 lines could not be read\n");
  });

  it("reads texts with line separators that are no line feeds", async () => {
    const { code, out } = await replay({
      "p.yaml": POLICY,
      "t.jsonl": line({ args: { amount: 900, note: "a\u2028b" } }),
    });
    expect([code, out.includes("0 allowed, 0 held, 1 blocked")]).toEqual([0, true]);
  });

  it("shows recorded text without letting it steer the terminal", async () => {
    const { out } = await replay({
      "p.yaml": POLICY,
      "t.jsonl": line({ run_id: "r\u001b[2J\u202e", args: { amount: 900 } }),
    });
    expect(out).toContain("r\uFFFD[2J\uFFFD  refund");
    expect(out).not.toMatch(/[\u001b\u202e]/);
  });

  it("decides rows for the agent that --agent names, and says when a rule was asked about nothing", async () => {
    const files = {
      "p.yaml": POLICY.replace("rules:", "agents: { anyOfSlugs: [support] }\nrules:"),
      "t.jsonl": refund(1, 900),
    };
    const other = await replay(files);
    expect(other.out).toContain("1 allowed, 0 held, 0 blocked");
    expect(other.err).toContain("note `refunds/large` was asked about no call");
    expect((await replay(files, "--agent", "support")).out).toContain("0 allowed, 0 held, 1 blocked");
  });

  it("takes tags of tools from --tools", async () => {
    const files = {
      "p.yaml": POLICY.replace("{ name: refund }", "{ tagsAny: [moves-money] }"),
      "tools.yaml": "refund: [moves-money]\n",
      "t.jsonl": refund(1, 900),
    };
    expect((await replay(files)).out).toContain("0 blocked");
    expect((await replay(files, "--tools", "tools.yaml")).out).toContain("1 blocked");
  });

  it("says what no record has", async () => {
    const when = "when: { kind: signal, signal: risk, type: number, op: gt, value: 1 }";
    const policy = POLICY.replace(/when: .*/, when);
    const { out, err } = await replay({ "p.yaml": policy, "t.jsonl": refund(1, 900) });
    expect(out).toContain("1 blocked");
    expect(err).toContain("note signal risk: not recorded");
  });

  it("keeps counts, sequences and windows of the recorded run", async () => {
    const policy = `name: state
rules:
  - { name: two, on: tool.before, when: { kind: maxCalls, scope: run, max: 2 }, effect: { type: block } }
  - { name: first, on: tool.before, tool: { name: pay }, when: { kind: sequence, notCalled: [{ name: verify }] }, effect: { type: hitl } }
  - { name: fast, on: tool.before, when: { kind: maxCalls, scope: agent, max: 2, windowSeconds: 60 }, effect: { type: block } }
`;
    const traffic = [
      line({ run_id: "a", tool: "pay", ts: "2026-01-05T12:00:00Z" }),
      line({ run_id: "a", tool: "verify", ts: "2026-01-05T12:00:10Z" }),
      line({ run_id: "b", tool: "pay", ts: "2026-01-05T12:00:20Z" }),
      line({ run_id: "a", tool: "pay", ts: "2026-01-05T12:05:00Z" }),
    ];
    const { out } = await replay({ "p.yaml": policy, "t.jsonl": traffic.join("") }, "--json");
    const { rules } = JSON.parse(out) as { rules: readonly { ruleId: string; blocked: number; held: number }[] };
    const by = Object.fromEntries(rules.map((rule) => [rule.ruleId, [rule.blocked, rule.held]]));
    expect(by).toEqual({ "state/two": [1, 0], "state/first": [0, 2], "state/fast": [1, 0] });
  });
});
