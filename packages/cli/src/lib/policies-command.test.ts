import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";
import { handlebar, POLICY, sandbox } from "./sandbox.fixture.ts";

let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.stop());
beforeEach(() => plane.call("PUT", "/v1/policies", { policies: [], prune: true }));

const run = (folder: string, ...args: readonly string[]) => plane.handlebar(folder, "policies", ...args);

describe("handlebar policies", () => {
  it("pushes files, lists them, shows the difference and pulls them again", async () => {
    const folder = sandbox({ "p/refunds.yaml": POLICY });
    const first = await run(folder, "push", "p", "--comment", "first");
    expect([first.code, first.out]).toEqual([0, expect.stringMatching(/^\+ refunds: created \(version \d+\)\n$/)]);
    expect((await run(folder, "diff", "p")).code).toBe(0);
    writeFileSync(join(folder, "p/refunds.yaml"), POLICY.replace("500", "900"));
    const diff = await run(folder, "diff", "p");
    expect([diff.code, diff.err]).toEqual([1, "1 policy would change\n"]);
    expect(diff.out).toMatch(/refunds: updated\n[\s\S]*\n {2}- .*500.*\n {2}\+ .*900.*\n/);
    const dry = await run(folder, "push", "p", "--dry-run");
    expect([dry.code, dry.out]).toEqual([0, "~ refunds: updated\n"]);
    expect((await run(folder, "push", "p")).out).toMatch(/~ refunds: updated \(version \d+\)/);
    const list = await run(folder, "list");
    expect(list.out).toMatch(/refunds +v\d+ +enforce +1 rule/);
    const pulled = await run(folder, "pull", "--out", "pulled");
    expect([pulled.code, pulled.err]).toEqual([0, "1 policy written to pulled\n"]);
    expect(readFileSync(join(folder, "pulled/refunds.yaml"), "utf8")).toContain("value: 900");
    expect((await run(folder, "diff", "pulled")).code).toBe(0);
  });

  it("deletes with --prune what no file has, and shows so before", async () => {
    const folder = sandbox({ "a.yaml": POLICY, "b/other.yaml": POLICY.replace("name: refunds", "name: other") });
    await run(folder, "push", "a.yaml", "b");
    expect((await run(folder, "diff", "a.yaml")).code).toBe(0);
    const diff = await run(folder, "diff", "a.yaml", "--prune");
    expect([diff.code, diff.out]).toEqual([1, expect.stringContaining("other: deleted\n")]);
    expect((await run(folder, "push", "a.yaml", "--prune")).out).toMatch(/^- other: deleted/);
    expect(JSON.parse((await run(folder, "list", "--json")).out).policies).toMatchObject([{ policyId: "refunds" }]);
  });

  it("shows what the control plane found at its place in the file, and saves nothing", async () => {
    const tools = [{ name: "refund", argsSchema: { type: "object", properties: { amount: { type: "number" } } } }];
    await plane.call("PUT", "/v1/agents", { slug: "support", tools });
    const typo = POLICY.replace("path: amount", "path: amonut");
    const folder = sandbox({ "typo.yaml": typo, "bad.yaml": `${typo.replace("tool.before", "llm.before")}` });
    const checked = await run(folder, "check", "typo.yaml");
    expect(checked.code).toBe(0);
    expect(checked.out).toMatch(/typo\.yaml:6:\d+ .*`amount`.* warning HB_POLICY_ARG_UNKNOWN\n/);
    const bad = await run(folder, "push", "bad.yaml");
    expect([bad.code, bad.err]).toEqual([1, "nothing was saved\n"]);
    expect(bad.out).toMatch(/bad\.yaml:\d+:\d+ .* error HB_POLICY_/);
    const broken = sandbox({ "broken.yaml": POLICY.replace("op: gt", "op: greater") });
    expect((await run(broken, "push", "broken.yaml")).code).toBe(1);
    expect(JSON.parse((await run(folder, "list", "--json")).out).policies).toEqual([]);
  });

  it("shows how versions of a policy differ, rule by rule and line by line", async () => {
    const folder = sandbox({ "refunds.yaml": POLICY });
    const push = async (text: string, comment: string): Promise<void> => {
      writeFileSync(join(folder, "refunds.yaml"), text);
      expect((await run(folder, "push", "refunds.yaml", "--comment", comment)).code).toBe(0);
    };
    const other = `\n  - name: other\n    on: tool.before\n    effect: { type: block, reason: "\u001b[31mred" }\n`;
    await push(`mode: shadow\n${POLICY}`, "try it");
    const { version = 0 } = JSON.parse((await run(folder, "list", "--json")).out).policies[0];
    await push(POLICY.replace("500", "300"), "it held");
    await push(`${POLICY.replace("500", "300").trimEnd()}${other}`, "one more");
    const diff = await run(folder, "diff", "refunds", "--from", `${version}`, "--to", `${version + 1}`);
    expect([diff.code, diff.err]).toEqual([1, ""]);
    const [title, older, newer, ...changes] = diff.out.split("\n");
    expect(title).toBe(`refunds: version ${version} -> version ${version + 1}`);
    expect([older, newer]).toEqual([expect.stringMatching(/ first key +try it$/), expect.stringMatching(/ it held$/)]);
    expect(changes.join("\n")).toMatch(
      /^ {2}~ mode: removed "shadow"\n {2}~ rule refunds\/large\n {6}when\.value: 500 -> 300\n\n[\s\S]*\n {2}- .*500.*\n {2}\+ .*300.*\n/,
    );
    const newest = await run(folder, "diff", "refunds");
    expect(newest.out).toMatch(/\n {2}\+ rule refunds\/other added\n/);
    expect(newest.out).not.toContain("\u001b");
    const json = JSON.parse((await run(folder, "diff", "refunds", "--json")).out);
    expect(json.changes.rules).toEqual([{ ruleId: "refunds/other", name: "other", change: "added", fields: [] }]);
    const same = await run(folder, "diff", "refunds", "--from", `${version}`, "--to", `${version}`);
    expect([same.code, same.err]).toEqual([0, "no difference\n"]);
    writeFileSync(join(folder, "refunds.yaml"), POLICY);
    const files = JSON.parse((await run(folder, "diff", "refunds.yaml", "--json")).out);
    expect(files.differences).toMatchObject([
      { policyId: "refunds", changes: { rules: [{ change: "changed" }, { change: "removed" }] } },
    ]);
  });

  it("says what is no policy and no version", async () => {
    const folder = sandbox({ "a.yaml": POLICY });
    expect((await run(folder, "diff", "nothing")).err).toContain("HB_NOT_FOUND: there is no policy `nothing`");
    expect((await run(folder, "diff", "nothing.yaml")).out).toContain("nothing.yaml");
    expect((await run(folder, "diff", "--to", "2")).err).toContain("name one policy by its id");
    expect((await run(folder, "diff", "refunds", "--to", "two")).err).toContain("`--to` is the number of a version");
  });

  it("checks what is kept, and the agents under it", async () => {
    const folder = sandbox({ "refunds.yaml": POLICY.replace("rules:", "agents: { anyOfSlugs: [support] }\nrules:") });
    await plane.call("PUT", "/v1/agents", { slug: "support", tools: [{ name: "refund", tags: ["money"] }] });
    await plane.call("PUT", "/v1/agents", { slug: "sales", tools: [{ name: "b" }, { name: "a" }] });
    await run(folder, "push", "refunds.yaml");
    const checked = await run(folder, "check");
    expect([checked.code, checked.err]).toEqual([0, "the policies of the control plane: 0 errors, 2 warnings\n"]);
    expect(checked.out.split("\n")).toEqual([
      "no policy is for the agent `sales`: every call is let through; give a policy's agent selector its slug or one of its tags warning HB_POLICY_AGENT_UNGOVERNED",
      "2 tools of the agent `sales` have neither tags nor a classification, so that no rule by tag matches (a, b); register with tags or a classification warning HB_POLICY_TOOL_UNTAGGED",
      "",
    ]);
    const json = JSON.parse((await run(folder, "check", "refunds.yaml", "--json")).out);
    expect(json).toMatchObject({ findings: [], registered: [{ agent: "sales" }, { agent: "sales" }], leftOutCount: 0 });
  });

  it("does not write over a file that says something else, unless it is told to", async () => {
    const folder = sandbox({ "refunds.yaml": POLICY });
    await run(folder, "push", "refunds.yaml");
    mkdirSync(join(folder, "out"));
    writeFileSync(join(folder, "out/refunds.yaml"), "mine");
    const pulled = await run(folder, "pull", "--out", "out");
    expect([pulled.code, pulled.err]).toEqual([2, expect.stringContaining("`out/refunds.yaml` is there already")]);
    expect(readFileSync(join(folder, "out/refunds.yaml"), "utf8")).toBe("mine");
    expect((await run(folder, "pull", "--out", "out", "--force")).code).toBe(0);
    expect(readdirSync(join(folder, "out"))).toEqual(["refunds.yaml"]);
  });

  it("imports the first format without a server", async () => {
    const rule = {
      name: "verify first",
      enabled: true,
      priority: 1,
      selector: { phase: "tool.before", tool: { name: "refund" } },
      condition: { kind: "sequence", mustHaveCalled: ["verify"] },
      effect: { type: "block" },
    };
    const policy = { name: "old", mode: "enforce", agentSelector: {} };
    const older = { policy, rules: [rule, { ...rule, name: "odd", condition: { kind: "wish" } }] };
    const folder = sandbox({ "old.json": JSON.stringify(older), "text.json": "no" });
    const imported = await handlebar(folder, "policies", "import", "old.json");
    expect([imported.code, imported.err]).toEqual([
      1,
      "left out old / odd: there is no condition `wish`\n1 policy, 1 rule; 1 rule left out\n",
    ]);
    writeFileSync(join(folder, "new.yaml"), imported.out);
    expect((await handlebar(folder, "check", "new.yaml")).code).toBe(0);
    expect((await handlebar(folder, "policies", "import", "text.json")).err).toContain("it is not JSON");
  });

  it("says what it takes", async () => {
    const folder = sandbox();
    expect((await run(folder)).err).toContain(
      "say what to do: list, push, pull, diff, check, promote, rollback, status, import",
    );
    expect((await run(folder, "psuh")).err).toContain("did you mean `push`?");
    expect((await run(folder, "push")).err).toContain("name the policy files or folders");
    expect((await handlebar(folder, "policies", "list")).err).toContain("there is no API key");
  });
});
