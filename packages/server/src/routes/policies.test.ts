import {
  type Policy,
  policiesCheckedSchema,
  policiesWrittenSchema,
  policyListSchema,
  policyVersionsSchema,
  problemSchema,
} from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

function blocking(id: string, tool: string): Policy {
  return { id, name: id, rules: [{ name: "r", on: "tool.before", tool: { name: tool }, effect: { type: "block" } }] };
}

async function written(method: string, path: string, body?: unknown) {
  const answer = await server.call(method, path, { body });
  expect([answer.status, answer.status === 200 ? "" : answer.body]).toEqual([200, ""]);
  return policiesWrittenSchema.parse(answer.body);
}

async function refused(method: string, path: string, body?: unknown) {
  const answer = await server.call(method, path, { body });
  const problem = problemSchema.parse(answer.body);
  return { status: answer.status, code: problem.code, field: problem.field, findings: problem.findings?.length };
}

async function list() {
  return policyListSchema.parse((await server.call("GET", "/v1/policies")).body);
}

describe("one policy", () => {
  it("gets a version with every change, and none where nothing changed", async () => {
    const first = await written("PUT", "/v1/policies/p", { policy: blocking("p", "send"), comment: "why" });
    expect(first).toEqual({
      revision: 1,
      dryRun: false,
      changes: [{ policyId: "p", change: "created", version: 1 }],
      findings: first.findings,
    });
    const same = await written("PUT", "/v1/policies/p", { policy: blocking("p", "send") });
    expect([same.revision, same.changes]).toEqual([1, [{ policyId: "p", change: "unchanged", version: 1 }]]);
    const second = await written("PUT", "/v1/policies/p", { policy: blocking("p", "mail"), expectedVersion: 1 });
    expect([second.revision, second.changes]).toEqual([2, [{ policyId: "p", change: "updated", version: 2 }]]);
    const versions = policyVersionsSchema.parse((await server.call("GET", "/v1/policies/p/versions")).body);
    expect(
      versions.versions.map(({ version, policy, comment }) => [version, policy?.rules[0]?.tool?.name, comment]),
    ).toEqual([
      [2, "mail", undefined],
      [1, "send", "why"],
    ]);
  });

  it("is refused to who has seen another version, and to who says another id", async () => {
    await written("PUT", "/v1/policies/p", { policy: blocking("p", "send") });
    const body = { policy: blocking("p", "mail") };
    expect(await refused("PUT", "/v1/policies/p", { ...body, expectedVersion: 0 })).toMatchObject({
      status: 409,
      code: "HB_CONFLICT",
      field: "expectedVersion",
    });
    expect(await refused("PUT", "/v1/policies/q", body)).toMatchObject({
      status: 400,
      code: "HB_REQUEST_INVALID",
      field: "policy.id",
    });
    expect((await list()).revision).toBe(1);
  });

  it("goes back to an earlier version, also after its deletion", async () => {
    await written("PUT", "/v1/policies/p", { policy: blocking("p", "send") });
    await written("PUT", "/v1/policies/p", { policy: blocking("p", "mail") });
    const back = await written("POST", "/v1/policies/p/rollback", { version: 1 });
    expect(back.changes).toEqual([{ policyId: "p", change: "updated", version: 3 }]);
    const gone = await written("DELETE", "/v1/policies/p");
    expect([gone.revision, gone.changes]).toEqual([4, [{ policyId: "p", change: "deleted", version: 4 }]]);
    expect((await list()).policies).toEqual([]);
    expect(await refused("GET", "/v1/policies/p")).toMatchObject({ status: 404, code: "HB_NOT_FOUND" });
    expect(await refused("POST", "/v1/policies/p/rollback", { version: 4 })).toMatchObject({
      status: 400,
      field: "version",
    });
    expect(await refused("POST", "/v1/policies/p/rollback", { version: 9 })).toMatchObject({
      status: 404,
      field: "version",
    });
    const again = await written("POST", "/v1/policies/p/rollback", { version: 2 });
    expect(again.changes).toEqual([{ policyId: "p", change: "created", version: 5 }]);
    const [stored] = (await list()).policies;
    expect([stored?.version, stored?.policy.rules[0]?.tool?.name]).toEqual([5, "mail"]);
  });

  it("is refused with everything that the check finds, and the field of the first error", async () => {
    const policy = {
      name: "bad",
      rules: [
        {
          name: "a",
          on: "tool.before",
          when: { kind: "expr", lang: "cel", src: "args.x >" },
          effect: { type: "block" },
        },
        { name: "a", on: "tool.before", effect: { type: "block" } },
      ],
    };
    const answer = await refused("PUT", "/v1/policies/bad", { policy });
    expect(answer).toMatchObject({ status: 400, code: "HB_POLICY_EXPR_INVALID", field: "policy.rules[0].when.src" });
    expect(answer.findings).toBeGreaterThan(1);
    expect(await refused("PUT", "/v1/policies/bad", { policy: { ...policy, modes: "shadow" } })).toMatchObject({
      status: 400,
      field: "policy.modes",
    });
    expect((await list()).policies).toEqual([]);
  });
});

describe("a push of policies", () => {
  it("is all or nothing", async () => {
    const bad = {
      ...blocking("b", "send"),
      rules: [{ name: "r", on: "llm.before", tool: { name: "x" }, effect: { type: "block" } }],
    };
    expect(await refused("PUT", "/v1/policies", { policies: [blocking("a", "send"), bad] })).toMatchObject({
      status: 400,
      field: expect.stringMatching(/^policies\[1\]/),
    });
    expect((await list()).policies).toEqual([]);
    const pushed = await written("PUT", "/v1/policies", { policies: [blocking("a", "send"), blocking("b", "mail")] });
    expect([pushed.revision, pushed.changes.map(({ change }) => change)]).toEqual([1, ["created", "created"]]);
  });

  it("says in a dry run what it would do, and does nothing", async () => {
    await written("PUT", "/v1/policies", {
      policies: [blocking("a", "send"), blocking("b", "mail"), blocking("c", "x")],
    });
    const policies = [blocking("a", "send"), blocking("b", "other"), blocking("d", "new")];
    const dry = await written("PUT", "/v1/policies", { policies, prune: true, dryRun: true });
    const changes = [
      { policyId: "a", change: "unchanged", version: 1 },
      { policyId: "b", change: "updated", version: 1 },
      { policyId: "d", change: "created" },
      { policyId: "c", change: "deleted", version: 1 },
    ];
    expect([dry.revision, dry.dryRun, dry.changes]).toEqual([1, true, changes]);
    expect((await list()).revision).toBe(1);
    const done = await written("PUT", "/v1/policies", { policies, prune: true, expectedRevision: 1 });
    expect(done.changes.map(({ policyId, version }) => [policyId, version])).toEqual([
      ["a", 1],
      ["b", 2],
      ["d", 1],
      ["c", 2],
    ]);
    expect((await list()).policies.map(({ policyId }) => policyId)).toEqual(["a", "b", "d"]);
    expect(await refused("PUT", "/v1/policies", { policies, expectedRevision: 1 })).toMatchObject({
      status: 409,
      code: "HB_CONFLICT",
      field: "expectedRevision",
    });
  });

  it("refuses two policies of one id", async () => {
    const policies = [blocking("a", "send"), blocking("a", "mail")];
    expect(await refused("PUT", "/v1/policies", { policies })).toMatchObject({
      status: 400,
      code: "HB_POLICY_DUPLICATE_ID",
      field: "policies[1].id",
    });
  });

  it("survives writers that come at the same time", async () => {
    const pushes = Array.from({ length: 8 }, (_, at) =>
      server.call("PUT", "/v1/policies", {
        body: { policies: [blocking(`p${at}`, "send"), blocking("shared", `t${at}`)] },
      }),
    );
    const statuses = (await Promise.all(pushes)).map(({ status }) => status);
    expect(statuses.every((status) => status === 200 || status === 409)).toBe(true);
    const { revision, policies } = await list();
    expect(revision).toBe(statuses.filter((status) => status === 200).length);
    expect(policies.find(({ policyId }) => policyId === "shared")?.version).toBe(revision);
  });
});

describe("the check of policies", () => {
  const check = async (body: unknown) =>
    policiesCheckedSchema.parse((await server.call("POST", "/v1/policies/check", { body })).body);

  it("holds policies against the tools that their agents registered", async () => {
    const tools = [{ name: "refund", argsSchema: { type: "object", properties: { amount: { type: "number" } } } }];
    await server.call("PUT", "/v1/agents", { body: { slug: "support", tools } });
    await server.call("PUT", "/v1/agents", { body: { slug: "billing", tools: [{ name: "invoice" }] } });
    const policy = { ...blocking("p", "refnd"), agents: { anyOfSlugs: ["support"] } };
    const { ok, findings } = await check({ policies: [policy] });
    expect(ok).toBe(true);
    expect(findings.find(({ code }) => code === "HB_POLICY_TOOL_UNKNOWN")).toMatchObject({
      severity: "warning",
      policyId: "p",
      path: "rules[0].tool.name",
      keys: ["rules", 0, "tool", "name"],
      fix: "did you mean `refund`?",
    });
    // An invoice is a tool, but not of the agent that the policy is for.
    const other = await check({ policies: [{ ...policy, rules: blocking("p", "invoice").rules }] });
    expect(other.findings.map(({ code }) => code)).toContain("HB_POLICY_TOOL_UNKNOWN");
  });

  it("does not hold policies against each other that never meet in one agent", async () => {
    const labelled = (slug: string): Policy => ({
      id: slug,
      name: slug,
      agents: { anyOfSlugs: [slug] },
      flow: {
        sources: Array.from({ length: 20 }, (_, at) => ({ tool: { name: `t${at}` }, add: [`${slug}-${at}`] })),
      },
      rules: Array.from({ length: 20 }, (_, at) => ({
        name: `r${at}`,
        on: "tool.before" as const,
        tool: { name: "send" },
        when: { kind: "label" as const, anyOf: [`${slug}-${at}`] },
        effect: { type: "block" as const },
      })),
    });
    const apart = await check({ policies: [labelled("one"), labelled("two")] });
    expect(apart.ok).toBe(true);
    const { agents: _, ...everywhere } = labelled("two");
    expect((await check({ policies: [labelled("one"), everywhere] })).ok).toBe(false);
  });

  it("sees what a policy breaks together with those in force, unless it is to be looked at alone", async () => {
    const labels = (id: string) => ({
      id,
      name: id,
      flow: { sources: [{ add: Array.from({ length: 20 }, (_, at) => `${id}-${at}`) }] },
      rules: Array.from({ length: 20 }, (_, at) => ({
        name: `r${at}`,
        on: "tool.before",
        when: { kind: "label", anyOf: [`${id}-${at}`] },
        effect: { type: "block" },
      })),
    });
    await written("PUT", "/v1/policies/a", { policy: labels("a") });
    expect((await check({ policies: [labels("b")], alone: true })).ok).toBe(true);
    expect((await check({ policies: [labels("b")] })).ok).toBe(false);
    expect(await refused("PUT", "/v1/policies/b", { policy: labels("b") })).toMatchObject({ status: 400 });
  });
});
