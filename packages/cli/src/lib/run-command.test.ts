import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCommand } from "./run-command.ts";

function sandbox(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "hb-cli-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

async function handlebar(cwd: string, ...args: readonly string[]) {
  const output = { code: 0, out: "", err: "" };
  output.code = await runCommand(args, {
    cwd,
    out: (text) => {
      output.out += text;
    },
    err: (text) => {
      output.err += text;
    },
    isTty: false,
    hasColour: false,
  });
  return output;
}

const POLICY = `name: refunds
rules:
  - name: large
    on: tool.before
    tool: { name: refund }
    when: { kind: toolArg, path: amount, type: number, op: gt, value: 500 }
    effect: { type: block }
`;

describe("handlebar", () => {
  it("explains itself", async () => {
    const { code, out } = await handlebar(sandbox());
    expect(code).toBe(0);
    expect(out).toContain("usage: handlebar <command> [options]");
    expect(out).toMatch(/check {3}Checks policy files/);
    const help = await handlebar(sandbox(), "help", "replay");
    expect(help.out).toContain("--fail-closed");
    expect((await handlebar(sandbox(), "replay", "--help")).out).toBe(help.out);
    expect((await handlebar(sandbox(), "--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [["chekc"], "there is no command `chekc`; did you mean `check`?"],
    [["help", "rplay"], "there is no command `rplay`; did you mean `replay`?"],
    [["check"], "name the policy files or folders to check"],
    [["check", "--tool", "x", "p.yaml"], "there is no option `--tool`; did you mean `--tools`?"],
    [["check", "nowhere"], "nowhere"],
    [["check", "p.yaml", "--tools", "nowhere.yaml"], "`nowhere.yaml` cannot be read: there is no such file"],
    [["replay", "t.jsonl"], "name the candidate with --policies"],
    [["replay", "--policies", "p.yaml"], "name the recorded traffic"],
    [["replay", "--policies", "p.yaml", "nowhere.jsonl"], "`nowhere.jsonl` cannot be read: there is no such file"],
    [["replay", "--policies", "p.yaml", "."], "`.` is not a file"],
    [["replay", "--policies", "nowhere", "t.jsonl"], "nowhere"],
    [["init", "a", "b"], "name one folder"],
    [["test", "nowhere"], "nowhere"],
  ])("says what is wrong with %j, without a stack", async (args, message) => {
    const folder = sandbox({ "p.yaml": POLICY, "t.jsonl": "" });
    const { code, out, err } = await handlebar(folder, ...args);
    expect(`${out}${err}`).toContain(message);
    expect(err).not.toMatch(/\n {4}at /);
    expect(code === 2 || (args[0] === "check" && code === 1)).toBe(true);
  });
});

describe("handlebar check", () => {
  it("is content with a good policy", async () => {
    const { code, out, err } = await handlebar(sandbox({ "p.yaml": POLICY }), "check", "p.yaml");
    expect([code, out, err]).toEqual([0, "", "1 file, 1 policies, 1 rule: 0 errors, 0 warnings\n"]);
  });

  it("names file, line, field and fix", async () => {
    const folder = sandbox({ "p.yaml": POLICY.replace("op: gt", "op: greater").replace("effect:", "efect:") });
    const { code, out } = await handlebar(folder, "check", "p.yaml");
    expect(code).toBe(1);
    expect(out).toMatch(/p\.yaml:6:\d+ rules\[0\]\.when\.op: .* error HB_POLICY_INVALID/);
    expect(out).toMatch(/p\.yaml:7:5 rules\[0\]\.efect: unknown field; did you mean `effect`\?/);
  });

  it("finds what compiles and cannot be meant, with the tools at hand", async () => {
    const tools =
      "- name: refund\n  argsSchema: { type: object, properties: { total: { type: number } }, additionalProperties: false }\n";
    const folder = sandbox({ "p.yaml": POLICY, "tools.yaml": tools });
    const { code, out } = await handlebar(folder, "check", "p.yaml", "--tools", "tools.yaml", "--json");
    expect(code).toBe(0);
    const { findings } = JSON.parse(out) as { findings: readonly { severity: string; path: string; line: number }[] };
    expect(findings.map(({ severity, path, line }) => [severity, path, line])).toContainEqual([
      "warning",
      "rules[0].when.path",
      6,
    ]);
  });
});

describe("handlebar init and test", () => {
  it("writes a start that passes its own checks, and overwrites nothing", async () => {
    const folder = sandbox();
    expect((await handlebar(folder, "init")).code).toBe(0);
    expect(existsSync(join(folder, "policies/starter.yaml"))).toBe(true);
    expect(await handlebar(folder, "check", "policies")).toMatchObject({ code: 0, out: "" });
    expect(await handlebar(folder, "test")).toMatchObject({ code: 0 });
    expect(await handlebar(folder, "init")).toMatchObject({
      code: 2,
      err: expect.stringContaining("is there already"),
    });
    expect((await handlebar(folder, "init", "--force")).code).toBe(0);
  });

  it("tells which step failed and why, and which rule no case meets", async () => {
    const cases =
      "cases:\n  - name: a large one\n    steps:\n      - { call: refund, args: { amount: 1 }, expect: BLOCK }\n";
    const { code, out, err } = await handlebar(sandbox({ "p.yaml": POLICY, "p.cases.yaml": cases }), "test");
    expect(code).toBe(1);
    expect(out).toContain("failed  a large one");
    expect(out).toMatch(/step 1, line 4: /);
    expect(out).toContain("no case  meets the rule `large`");
    expect(err).toBe("0 passed, 1 failed\n");
  });
});

describe("handlebar replay", () => {
  const row = (step: number, amount: number): string =>
    `${JSON.stringify({ run_id: "r1", step, tool: "refund", args: { amount }, result: "ok" })}\n`;

  it("says per rule what it would have done, with examples", async () => {
    const folder = sandbox({ "p.yaml": POLICY, "t.jsonl": row(1, 80) + row(2, 900) + row(3, 700) });
    const { code, out } = await handlebar(folder, "replay", "--policies", "p.yaml", "t.jsonl");
    expect(code).toBe(0);
    expect(out).toContain("1 run, 3 tool calls, 0 model calls: 1 allowed, 0 held, 2 blocked, 0 ending their run");
    expect(out).toContain("beside the record: 2 stricter, 0 milder");
    expect(out).toMatch(/refunds\/large +2 +0 +0/);
    expect(out).toContain('r1  refund {"amount":900}');
  });

  it("names lines that cannot be read and goes on", async () => {
    const folder = sandbox({ "p.yaml": POLICY, "t.jsonl": `${row(1, 900)}{nonsense\n\n7\n${row(2, 900)}` });
    const { code, out, err } = await handlebar(folder, "replay", "--policies", "p.yaml", "--json", "t.jsonl");
    expect(code).toBe(1);
    expect(err).toContain("t.jsonl:2: is not JSON\n");
    expect(err).toContain("t.jsonl:4: is no traffic row");
    expect((JSON.parse(out) as { calls: number }).calls).toBe(2);
  });

  it("keeps counts, sequences and windows of the recorded run", async () => {
    const policy = `name: state
rules:
  - { name: two, on: tool.before, when: { kind: maxCalls, scope: run, max: 2 }, effect: { type: block } }
  - { name: first, on: tool.before, tool: { name: pay }, when: { kind: sequence, notCalled: [{ name: verify }] }, effect: { type: hitl } }
  - { name: fast, on: tool.before, when: { kind: maxCalls, scope: agent, max: 2, windowSeconds: 60 }, effect: { type: block } }
`;
    const call = (run_id: string, tool: string, ts: string): string =>
      `${JSON.stringify({ run_id, tool, args: {}, ts })}\n`;
    const traffic = [
      call("a", "pay", "2026-01-05T12:00:00Z"),
      call("a", "verify", "2026-01-05T12:00:10Z"),
      call("b", "pay", "2026-01-05T12:00:20Z"),
      call("a", "pay", "2026-01-05T12:05:00Z"),
    ];
    const folder = sandbox({ "p.yaml": policy, "t.jsonl": traffic.join("") });
    const { out } = await handlebar(folder, "replay", "--policies", "p.yaml", "--json", "t.jsonl");
    const { rules } = JSON.parse(out) as { rules: readonly { ruleId: string; blocked: number; held: number }[] };
    const by = Object.fromEntries(rules.map((rule) => [rule.ruleId, [rule.blocked, rule.held]]));
    expect(by).toEqual({ "state/two": [1, 0], "state/first": [0, 2], "state/fast": [1, 0] });
  });
});
