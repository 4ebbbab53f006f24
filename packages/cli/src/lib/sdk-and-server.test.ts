import { Handlebar, type HandlebarClient, type Runtime } from "@handlebar/core";
import { agentAnswerSchema, lockdownListSchema } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";
import { sandbox } from "./sandbox.fixture.ts";

const POLICIES = sandbox({
  "policies/no-send.yaml": `name: no send
agents: { anyOfSlugs: [support] }
rules:
  - name: never
    on: tool.before
    tool: { name: send }
    effect: { type: block, reason: sending is off }
`,
});

let plane: TestControlPlane;
const clients: HandlebarClient[] = [];
beforeEach(async () => {
  plane = await startControlPlane();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((hb) => hb.shutdown()));
  await plane.stop();
});

function client(runtime: Partial<Runtime> = {}): HandlebarClient {
  const quiet = { warn: () => undefined, error: () => undefined };
  const hb = Handlebar.init({
    agent: { slug: "support", tags: ["live"] },
    tools: [{ name: "send", tags: ["external"] }, { name: "read" }],
    apiKey: plane.agentKey,
    endpoint: plane.origin,
    logger: quiet,
    runtime,
  });
  clients.push(hb);
  return hb;
}

async function verdict(hb: HandlebarClient, name = "send"): Promise<string> {
  return (await hb.startRun().beforeTool({ name, args: {} })).verdict;
}

async function acked(): Promise<readonly number[]> {
  const { clients: all } = agentAnswerSchema.parse(await plane.call("GET", "/v1/agents/support"));
  return all.map(({ revision }) => revision);
}

describe("an agent and its control plane", () => {
  it("blocks a call of a running agent once a policy was pushed, and lets it through once it is deleted", async () => {
    const hb = client();
    await hb.ready();
    const run = hb.startRun();
    const call = { name: "send", args: {} };
    expect((await run.beforeTool(call)).verdict).toBe("ALLOW");
    const pushed = await plane.handlebar(POLICIES, "policies", "push", "policies");
    expect([pushed.code, pushed.out]).toEqual([0, "+ no-send: created (version 1)\n"]);
    await expect.poll(() => hb.status.policies.length).toBe(1);
    const decision = await run.beforeTool(call);
    expect([decision.verdict, decision.cause]).toEqual([
      "BLOCK",
      { kind: "RULE_VIOLATION", ruleId: "no-send/never", policyId: "no-send" },
    ]);
    await expect.poll(acked).toEqual([hb.status.revision]);
    await plane.call("DELETE", "/v1/policies/no-send");
    await expect.poll(() => hb.status.policies.length).toBe(0);
    expect((await run.beforeTool(call)).verdict).toBe("ALLOW");
  });

  it("ends runs by a lockdown that every client acknowledged, also for clients that come later", async () => {
    const hb = client();
    await hb.ready();
    await expect.poll(acked).toEqual([hb.status.revision]);
    const run = hb.startRun({ actor: { externalId: "u_1" } });
    expect((await run.beforeTool({ name: "read", args: {} })).verdict).toBe("ALLOW");
    const stopped = await plane.handlebar(POLICIES, "lockdown", "create", "--actor", "u_1", "--reason", "fraud");
    expect([stopped.code, stopped.out]).toEqual([0, expect.stringContaining("obeyed by 1 of 1 client")]);
    expect([run.terminated, run.signal.aborted]).toEqual([true, true]);
    const later = client();
    await later.ready();
    const refused = await later.startRun({ actor: { externalId: "u_1" } }).beforeTool({ name: "read", args: {} });
    expect([refused.verdict, refused.control, refused.cause.kind]).toEqual(["BLOCK", "TERMINATE", "LOCKDOWN"]);
    const [status] = lockdownListSchema.parse(await plane.call("GET", "/v1/lockdowns")).lockdowns;
    const id = status?.lockdown.lockdownId ?? "";
    expect((await plane.handlebar(POLICIES, "lockdown", "lift", id)).code).toBe(0);
    await expect.poll(() => [hb.status.lockdowns, later.status.lockdowns]).toEqual([[], []]);
    expect(await verdict(hb, "read")).toBe("ALLOW");
  });

  it("has what changed while the server was away", async () => {
    const hb = client();
    await hb.ready();
    await plane.handlebar(POLICIES, "policies", "push", "policies");
    await expect.poll(() => hb.status.policies.length).toBe(1);
    await plane.restart(async () => {
      expect(await verdict(hb)).toBe("BLOCK");
    });
    await plane.call("DELETE", "/v1/policies/no-send");
    await expect.poll(() => hb.status.policies.length, { timeout: 20_000 }).toBe(0);
    expect(hb.status.link).toBe("ready");
  });

  it("is held by long polls where streams cannot be had", async () => {
    const runtime: Partial<Runtime> = {
      fetch: (url, init) =>
        url.endsWith("/stream") ? Promise.resolve(new Response(null, { status: 405 })) : fetch(url, init),
    };
    const hb = client(runtime);
    await hb.ready();
    await plane.handlebar(POLICIES, "policies", "push", "policies");
    await expect.poll(() => hb.status.policies.length).toBe(1);
    const created = await plane.handlebar(POLICIES, "lockdown", "create", "--agent", "support");
    expect([created.code, created.out]).toEqual([0, expect.stringContaining("obeyed by 1 of 1 client")]);
  });

  it("learns of tools that appear in use, and shows them", async () => {
    const hb = client();
    await hb.ready();
    hb.startRun();
    const shown = await plane.handlebar(POLICIES, "agents", "support");
    expect(shown.code).toBe(0);
    expect(shown.out).toContain("send");
    expect(shown.out).toMatch(/external/);
    const listed = await plane.handlebar(POLICIES, "agents", "--json");
    expect(JSON.parse(listed.out)).toMatchObject([{ slug: "support", tags: ["live"] }]);
  });

  it("refuses a key that was revoked", async () => {
    const hb = client();
    await hb.ready();
    const [, keyId = ""] = plane.agentKey.split("_");
    await plane.call("DELETE", `/v1/keys/${keyId}`);
    await expect.poll(() => hb.status.link, { timeout: 10_000 }).toBe("refused");
  });
});
