import type { Agent, PoliciesChecked, Policy, PolicyDiff, Tool } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTestServer, type TestAnswer, type TestServer } from "../test-server.test-support.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

const REFUND: Tool = {
  name: "refund",
  tags: ["money"],
  argsSchema: { type: "object", properties: { amount: { type: "number" } }, additionalProperties: false },
};
const MAIL: Tool = { name: "send_mail", tags: ["external"] };
const large = { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 } as const;

const policy = (change: Partial<Policy> = {}): Policy => ({
  id: "refunds",
  name: "refunds",
  rules: [
    { id: "large", name: "large", on: "tool.before", tool: { name: "refund" }, when: large, effect: { type: "hitl" } },
  ],
  ...change,
});

async function register(agent: Agent, tools: readonly Tool[]): Promise<void> {
  expect((await server.call("PUT", "/v1/agents", { body: { ...agent, tools } })).status).toBe(200);
}

async function put(one: Policy, comment?: string): Promise<void> {
  const { status } = await server.call("PUT", `/v1/policies/${one.id}`, { body: { policy: one, comment } });
  expect(status).toBe(200);
}

async function check(policies: readonly Policy[], alone?: boolean): Promise<PoliciesChecked> {
  const answer = await server.call("POST", "/v1/policies/check", { body: { policies, alone } });
  expect(answer.status).toBe(200);
  return answer.body as PoliciesChecked;
}

/** Findings as lines: code, place, what to do. */
const linesOf = ({ findings, registered }: PoliciesChecked): readonly string[] => [
  ...findings.map(({ code, policyId, ruleId = "-", path, fix }) => `${code} ${policyId} ${ruleId} ${path}: ${fix}`),
  ...registered.map(({ code, agent, tools = [], fix }) => `${code} ${agent} ${tools.join(" ")}: ${fix}`),
];

describe("POST /v1/policies/check", () => {
  it("finds nothing in a workspace where all is as it should be", async () => {
    await register({ slug: "support" }, [REFUND]);
    await put(policy());
    const clean = { ok: true, findings: [], registered: [], leftOutCount: 0 };
    expect(await check([])).toEqual(clean);
    expect(await check([policy({ description: "same" })])).toEqual(clean);
    expect(await check([policy()], true)).toEqual(clean);
  });

  it("finds names of tools and arguments that no registered tool has", async () => {
    await register({ slug: "support" }, [REFUND]);
    const odd = policy({
      rules: [
        { id: "a", name: "a", on: "tool.before", tool: { name: "refnd" }, effect: { type: "block" } },
        {
          id: "b",
          name: "b",
          on: "tool.before",
          tool: { name: "refund" },
          when: { ...large, path: "amont" },
          effect: { type: "block" },
        },
      ],
    });
    expect(linesOf(await check([odd]))).toEqual([
      "HB_POLICY_TOOL_UNKNOWN refunds a rules[0].tool.name: did you mean `refund`?",
      "HB_POLICY_ARG_UNKNOWN refunds b rules[1].when.path: did you mean `amount`?",
    ]);
  });

  it("finds rules that no agent of their policy can ever match, and agents that do not exist", async () => {
    await register({ slug: "support" }, [REFUND]);
    await register({ slug: "mailer" }, [MAIL]);
    const mail = policy({
      agents: { anyOfSlugs: ["support"] },
      rules: [
        ...policy().rules,
        { id: "mail", name: "mail", on: "tool.before", tool: { name: "send_*" }, effect: { type: "block" } },
      ],
    });
    const others = policy({ id: "others", name: "others", agents: { anyOfSlugs: ["mailer", "malier"] }, rules: [] });
    expect(linesOf(await check([mail, others]))).toEqual([
      "HB_POLICY_RULE_UNREACHABLE refunds mail rules[1]: correct the tool selector, what the condition asks of the tool, or the policy's agents",
      "HB_POLICY_AGENT_UNKNOWN others - agents.anyOfSlugs[1]: did you mean `mailer`?",
    ]);
  });

  it("finds agents that nothing is enforced for, and tools without tags", async () => {
    await register({ slug: "support" }, [REFUND]);
    await register({ slug: "sales", tags: ["beta"] }, [
      { name: "b" },
      { name: "a" },
      { name: "c", classification: "public" },
    ]);
    await register({ slug: "new" }, []);
    await put(policy({ agents: { anyOfSlugs: ["support"] } }));
    await put(policy({ id: "beta", name: "beta", mode: "shadow", agents: { anyOfTags: ["beta"] }, rules: [] }));
    await put(policy({ id: "off", name: "off", enabled: false, rules: [] }));
    const { registered, ...rest } = await check([]);
    expect([rest.ok, rest.findings]).toEqual([true, []]);
    expect(registered).toEqual([
      {
        severity: "warning",
        code: "HB_POLICY_AGENT_UNGOVERNED",
        agent: "new",
        message: "no policy is for the agent `new`: every call is let through",
        fix: "give a policy's agent selector its slug or one of its tags",
      },
      {
        severity: "warning",
        code: "HB_POLICY_AGENT_UNGOVERNED",
        agent: "sales",
        message: "only policies in shadow are for the agent `sales`: nothing is enforced",
        fix: "promote one of them once it does what it should",
      },
      {
        severity: "warning",
        code: "HB_POLICY_TOOL_UNTAGGED",
        agent: "sales",
        tools: ["a", "b"],
        toolCount: 2,
        message: "2 tools of the agent `sales` have neither tags nor a classification, so that no rule by tag matches",
        fix: "register with tags or a classification",
      },
    ]);
    // With the candidate, as it would be.
    const after = await check([policy({ id: "all", name: "all", rules: [] })]);
    expect(after.registered.map(({ code }) => code)).toEqual(["HB_POLICY_TOOL_UNTAGGED"]);
  });

  it("says the same of many rules, in its thread", async () => {
    await register({ slug: "support" }, [REFUND, MAIL]);
    await register({ slug: "new" }, []);
    const rules = Array.from({ length: 80 }, (_, at) => ({
      ...{ id: `r${at}`, name: `r${at}`, on: "tool.before" as const, effect: { type: "hitl" as const } },
      tool: { name: "refund" },
      when: { ...large, value: at, op: "eq" as const },
    }));
    const checked = await check([policy({ agents: { anyOfSlugs: ["support"] }, rules })]);
    expect(linesOf(checked)).toEqual([
      "HB_POLICY_AGENT_UNGOVERNED new : give a policy's agent selector its slug or one of its tags",
    ]);
  });

  it("tells no more than an answer may hold, errors first, and counts the rest", async () => {
    await register({ slug: "support" }, [REFUND]);
    const rules = Array.from({ length: 1_100 }, (_, at) => ({
      ...{ id: `r${at}`, name: `r${at}`, on: "tool.before" as const, effect: { type: "block" as const } },
      tool: { name: `tool_${at}` },
    }));
    const checked = await check([policy({ rules })]);
    expect([checked.findings.length, checked.leftOutCount]).toEqual([1_000, 100]);
  });
});

describe("GET /v1/policies/{policyId}/diff", () => {
  const diff = (query = ""): Promise<TestAnswer> => server.call("GET", `/v1/policies/refunds/diff${query}`);

  it("compares the newest two versions, or any others, deletions included", async () => {
    await put(policy({ mode: "shadow" }), "try it");
    await put(policy(), "it held");
    await server.call("DELETE", "/v1/policies/refunds");
    const body = (await diff()).body as PolicyDiff;
    expect([body.from.version, body.to.version, body.to.policy]).toEqual([2, 3, undefined]);
    expect(body.changes.rules).toEqual([{ ruleId: "large", name: "large", change: "removed", fields: [] }]);
    expect((await diff("?from=1&to=2")).body).toEqual({
      policyId: "refunds",
      from: {
        ...{ version: 1, policy: policy({ mode: "shadow" }), comment: "try it" },
        ...{ createdAt: expect.any(String), createdBy: expect.any(String), by: "admin" },
      },
      to: {
        ...{ version: 2, policy: policy(), comment: "it held" },
        ...{ createdAt: expect.any(String), createdBy: expect.any(String), by: "admin" },
      },
      changes: { fields: [{ path: "mode", before: "shadow" }], rules: [], leftOutCount: 0 },
    });
    const first = (await diff("?to=1")).body as PolicyDiff;
    expect([first.from, first.changes.rules.map(({ change }) => change)]).toEqual([{ version: 0 }, ["added"]]);
    const back = (await diff("?from=2&to=1")).body as PolicyDiff;
    expect(back.changes.fields).toEqual([{ path: "mode", after: "shadow" }]);
    const same = (await diff("?from=2&to=2")).body as PolicyDiff;
    expect(same.changes).toEqual({ fields: [], rules: [], leftOutCount: 0 });
  });

  it("says that there is no such policy or version", async () => {
    expect((await diff()).body).toMatchObject({ code: "HB_NOT_FOUND", field: "policyId" });
    await put(policy());
    expect((await diff("?to=7")).body).toMatchObject({
      code: "HB_NOT_FOUND",
      field: "to",
      detail: "policy `refunds` has no version 7; its newest is 1",
    });
    expect((await diff("?from=9")).body).toMatchObject({ code: "HB_NOT_FOUND", field: "from" });
    expect((await diff("?to=0")).body).toMatchObject({ code: "HB_REQUEST_INVALID", field: "to" });
    const key = await server.keyFor(["admin"], "elsewhere");
    const { body } = await server.call("GET", "/v1/policies/refunds/diff", { key });
    expect(body).toMatchObject({ code: "HB_NOT_FOUND", field: "policyId" });
  });
});
