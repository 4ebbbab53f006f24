import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { handlebar, handlebarAs, POLICY, sandbox } from "./sandbox.fixture.ts";

describe("handlebar", () => {
  it("explains itself", async () => {
    const { code, out, err } = await handlebar(sandbox());
    expect([code, err]).toEqual([0, ""]);
    expect(out).toBe(`handlebar: a control plane and policies for AI agents

usage: handlebar <command> [options]

  serve                Runs a control plane.
  init                 Writes a starter policy with its cases.
  check                Checks policy files: form, expressions, and rules that can never do what they say.
  test                 Runs policy cases: what a policy must answer, step by step.
  replay               Shows what policies would have answered on recorded traffic.
  agents               Lists the agents that registered with a control plane, or shows one.
  policies             Brings policy files and a control plane together: list, push, pull, diff, check, promote, rollback, status; import from the first format.
  lockdown             Stops agents now, shows who obeys, and lifts the stop.
  approvals            Lists the calls that wait for a person, and answers them.
  webhooks             Tells chat tools and other programs of approvals, by signed requests.
  runs                 Lists the runs of a control plane, or shows one with its events.
  tail                 Prints events as a control plane stores them.
  audit                Lists who changed what in a control plane: policies, keys, lockdowns, webhooks, approvals.
  keys                 Creates, lists, rotates and revokes API keys.
  doctor               Says what is set up, from where, and what does not work.
  backup               Writes a copy of the SQLite store, also while a server uses it.
  restore              Puts a backup in the place of the SQLite store.
  migrate-to-postgres  Copies the SQLite store into an empty PostgreSQL.

  handlebar help <command>   what a command takes
  handlebar --version        the version

exit codes: 0 all is well, 1 something was found or failed, 2 wrong use or input that cannot be read
`);
    for (const way of [["help"], ["--help"], ["-h"]]) expect((await handlebar(sandbox(), ...way)).out).toBe(out);
    for (const way of ["--version", "-v"]) expect((await handlebar(sandbox(), way)).out).toBe("0.1.0\n");
  });

  it("explains each command", async () => {
    const { out } = await handlebar(sandbox(), "help", "replay");
    expect((await handlebar(sandbox(), "replay", "--help")).out).toBe(out);
    expect(
      out,
    ).toBe(`handlebar replay --policies <file or folder> [--policies ...] [--tools <file>] [--agent <slug>] [--json] (<traffic.jsonl...> | --server [url] --since <time>)

Shows what policies would have answered on recorded traffic.

Reads audit events, or plain rows with run_id, tool, args and, where known, step, result, error, prompt, ts, agent, actor,
session_id, tags, run_tags, context, metrics; other fields are not read. The replay has state: counters, sequences, windows and labels
are what they were, since what ran then counts as having run. It calls no tool. In rows without ts a run begins at 0 and its calls are a
second apart. Exits with 0 whatever the policies would have done, 1 when a line could not be read, 2 when none could.

With --server the control plane replays what it has recorded since a time, by the policies of the files together with those in force; without
--policies by those in force. What came before that time is read as far as windows reach, and not counted. Interrupting it cancels it.

options:
  --policies <value>  the candidate: a file or folder; may be given several times
  --tools <value>     the agent's tools and their tags: a list, or a map from names to tags
  --agent <value>     the agent of rows that name none (default: agent); with --server, events of this agent alone
  --json              the report as JSON
  --fail-closed       decide as a client with failClosed does
  --server [value]    replay what a control plane recorded (HANDLEBAR_API_ENDPOINT; default http://127.0.0.1:4747)
  --api-key <value>   the API key (HANDLEBAR_API_KEY); better in the environment, where other users do not see it
  --since <value>     with --server: from this time on, such as 2026-01-31T09:00:00Z, or 7d, 12h, 30m ago
  --until <value>     with --server: before this time (default: now)
  --actor <value>     with --server: events of this actor alone, by its external id
  --session <value>   with --server: events of this session alone
  --alone             with --server: by the policies of the files alone
  --lead-in <value>   with --server: read so much before --since as well, such as 1h (default: the longest window, at most a day)
`);
    for (const name of ["check", "test", "init"]) {
      const help = await handlebar(sandbox(), "help", name);
      expect([help.code, help.out.split(" ").slice(0, 2)]).toEqual([0, ["handlebar", name]]);
    }
  });

  it("colours what a person sees, and nothing else", async () => {
    const cwd = sandbox({ "p.yaml": POLICY.replace("op: gt", "op: greater") });
    expect((await handlebarAs({ cwd, hasColour: true }, "check", "p.yaml")).out).toContain("\u001b[31merror\u001b[0m");
    expect((await handlebar(cwd, "check", "p.yaml")).out).not.toContain("\u001b");
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
    [["replay", "--policies", "broken.yaml", "t.jsonl"], "broken.yaml:1:1 rules: is required"],
    [["replay", "--policies", "p.yaml", "--tools", "nowhere.yaml", "t.jsonl"], "`nowhere.yaml` cannot be read"],
    [["replay", "--policies", "p.yaml", "--tools", "wrong.yaml", "t.jsonl"], "wrong.yaml: [0].name"],
    [["replay", "--policies", "p.yaml", "--agent", "a b", "t.jsonl"], "`a b` is no agent's slug; use letters"],
    [["replay", "--policies"], "argument missing"],
    [["replay", "--policies", "p.yaml", "--json=yes", "t.jsonl"], "does not take an argument"],
    [["replay", "--policies", "p.yaml", "junk.txt"], "junk.txt:1: is not JSON"],
    [["check", "p.yaml", "--tools", "wrong.yaml"], "wrong.yaml: [0].name"],
    [["check", "p.yaml", "--jsn"], "there is no option `--jsn`; did you mean `--json`?"],
    [["init", "a", "b"], "name one folder"],
    [["init", "p.yaml"], "`p.yaml` is a file"],
    [["init", "--forse"], "there is no option `--forse`; did you mean `--force`?"],
    [["test", "p.yaml"], "p.yaml"],
    [["test", "--jason"], "there is no option `--jason`; did you mean `--json`?"],
    [["test", "empty"], "holds no case file"],
    [["test", "nowhere"], "nowhere"],
  ])("says what is wrong with %j, without a stack", async (args, message) => {
    const folder = sandbox({
      "p.yaml": POLICY,
      "broken.yaml": "name: a\n",
      "wrong.yaml": "- { name: 7 }\n",
      "t.jsonl": "",
      "junk.txt": "no traffic\n",
      "empty/note.md": "",
    });
    const { code, out, err } = await handlebar(folder, ...args);
    expect(`${out}${err}`).toContain(message);
    expect(err).not.toMatch(/\n {4}at /);
    expect(code).toBe(2);
  });
});

describe("handlebar check", () => {
  it("is content with a good policy", async () => {
    const { code, out, err } = await handlebar(sandbox({ "p.yaml": POLICY }), "check", "p.yaml");
    expect([code, out, err]).toEqual([0, "", "1 file, 1 policy, 1 rule: 0 errors, 0 warnings\n"]);
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
    writeFileSync(join(folder, "policies/starter.yaml"), "mine");
    expect((await handlebar(folder, "init")).code).toBe(2);
    expect(readFileSync(join(folder, "policies/starter.yaml"), "utf8")).toBe("mine");
    expect((await handlebar(folder, "init", "--force")).code).toBe(0);
    expect(readFileSync(join(folder, "policies/starter.yaml"), "utf8")).toContain("name: starter");
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
