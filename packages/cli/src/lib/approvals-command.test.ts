import { createHash } from "node:crypto";
import { canonicalJson } from "@handlebar/engine";
import { approvalAnswerBodySchema, createdKeySchema, type JsonValue } from "@handlebar/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";
import { handlebarAs, sandbox } from "./sandbox.fixture.ts";

let plane: TestControlPlane;
let count = 0;
const cwd = sandbox();
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.stop());

const run = (...args: readonly string[]) => plane.handlebar(cwd, "approvals", ...args);

interface Request {
  readonly agent?: string;
  readonly tool?: string;
  readonly args?: JsonValue;
  readonly terms?: object;
  readonly runId?: string;
  readonly actor?: { readonly externalId: string };
}

async function claim(given: Request = {}): Promise<string> {
  count += 1;
  const { agent = "support", tool = "refund", args = { amount: 900 + count }, actor, ...more } = given;
  const text = canonicalJson([agent, tool, args, actor?.externalId ?? null]) ?? "";
  const approvalId = `ap-${count}`;
  await plane.call("POST", "/v1/approvals", {
    approvalId,
    fingerprint: createHash("sha256").update(text).digest("hex"),
    agent,
    runId: `run-${count}`,
    callId: "call",
    tool,
    args,
    ruleId: "big",
    policyId: "refunds",
    ...(actor === undefined ? {} : { actor }),
    ...more,
  });
  return approvalId;
}

async function statusOf(approvalId: string): Promise<string> {
  return approvalAnswerBodySchema.parse(await plane.call("GET", `/v1/approvals/${approvalId}`)).approval.status;
}

describe("handlebar approvals", () => {
  it("lists what waits, shows one, and answers it", async () => {
    const id = await claim({ actor: { externalId: "u_1" }, terms: { approvalsNeeded: 2, approvers: ["ada", "bob"] } });
    expect((await run()).out).toMatch(new RegExp(`${id} +pending +support +refund +\\{"amount":\\d+\\} +u_1 +\\S+Z`));
    const shown = (await run("show", id)).out;
    expect(shown).toMatch(/needs +2 approvals of ada, bob/);
    const first = await run("approve", id, "--by", "ada", "--comment", "fine");
    expect([first.code, first.out]).toEqual([0, `${id}: pending, 1 of 2 approved\n`]);
    expect((await run("show", id)).out).toMatch(/approved +ada +\S+Z +fine/);
    expect((await run("approve", id, "--by", "bob")).out).toBe(`${id}: approved\n`);
    expect((await run("list", "--status", "approved")).out).toContain(id);
  });

  it("answers several at once, and says which were refused", async () => {
    const [a, b, c] = [await claim(), await claim(), await claim()];
    await run("cancel", b, "--comment", "no need");
    const ran = await run("deny", a, b, c, "--by", "ada");
    expect([ran.code, ran.out, ran.err]).toEqual([
      1,
      `${a}: denied\n${c}: denied\n`,
      `${b}: HB_CONFLICT: the approval is cancelled already; that cannot be changed\n`,
    ]);
  });

  it("answers what a filter finds, once a person said yes to it", async () => {
    const [a, b] = [await claim({ agent: "filtered" }), await claim({ agent: "filtered" })];
    const other = await claim({ agent: "filtered", tool: "wire" });
    const asked = await run("approve", "--agent", "filtered", "--tool", "refund");
    expect([asked.code, asked.err]).toEqual([2, expect.stringContaining("add --yes")]);
    expect([asked.out.includes(a), asked.out.includes(b), asked.out.includes(other)]).toEqual([true, true, false]);
    const done = await run("approve", "--agent", "filtered", "--tool", "refund", "--yes");
    expect([done.code, done.out]).toEqual([0, `${b}: approved\n${a}: approved\n`]);
    expect(await statusOf(other)).toBe("pending");
    expect((await run("cancel", "--agent", "filtered", "--yes")).out).toBe(`${other}: cancelled\n`);
    expect((await run("deny", "--agent", "filtered", "--yes")).err).toContain("nothing waits");
  });

  it("approves a call with other arguments in place of its own", async () => {
    const id = await claim();
    const ran = await run("approve", id, "--by", "ada", "--args", '{"amount": 400}');
    expect([ran.code, ran.out]).toEqual([0, `${id}: denied; allowed instead: {"amount":400}\n`]);
    expect((await run("show", id)).out).toMatch(/instead +\{"amount":400\} under \S+/);
  });

  it("shows what agents wrote as it is, and says when it is not whole", async () => {
    const id = await claim({ args: { note: "a\u001b[2Jb\u202ec" } });
    const shown = (await run("show", id)).out;
    expect(shown).toContain('{"note":"a\\u001b[2Jb\\u202ec"}');
    expect(shown).not.toContain("masked");
    const masked = `ap-masked`;
    await plane.call("POST", "/v1/approvals", {
      approvalId: masked,
      fingerprint: "f".repeat(64),
      agent: "support",
      runId: "run-masked",
      callId: "call",
      tool: "refund",
      args: { amount: 1 },
      ruleId: "big",
      policyId: "refunds",
    });
    expect((await run("show", masked)).out).toContain("masked, left out or not given");
  });

  it("answers as the person whose key it is, and as nobody else", async () => {
    const made = await plane.handlebar(
      cwd,
      ...["keys", "create", "ada", "--person", "ada", "--scope", "approvals:resolve", "--json"],
    );
    const { key, secret } = createdKeySchema.parse(JSON.parse(made.out));
    expect(key.person).toBe("ada");
    const env = { HANDLEBAR_API_ENDPOINT: plane.origin, HANDLEBAR_API_KEY: secret };
    const asAda = (...args: readonly string[]) => handlebarAs({ cwd, env }, "approvals", ...args);
    const id = await claim({ terms: { approvalsNeeded: 2 } });
    expect((await asAda("list")).out).toContain(id);
    expect((await asAda("approve", id)).out).toBe(`${id}: pending, 1 of 2 approved\n`);
    expect((await asAda("approve", id)).out).toBe(`${id}: pending, 1 of 2 approved\n`);
    const forged = await asAda("approve", id, "--by", "bob");
    expect([forged.code, forged.err]).toEqual([1, expect.stringContaining("HB_APPROVAL_TERMS")]);
    expect(await statusOf(id)).toBe("pending");
    const mine = await claim({ actor: { externalId: "ada" }, terms: { notRequester: true } });
    expect((await asAda("approve", mine)).err).toContain("HB_APPROVAL_TERMS");
  });

  it.each([
    [["aprove", "x"], "did you mean `approve`?"],
    [["show"], "name the approval by its id"],
    [["approve"], "name approvals by their ids"],
    [["approve", "x", "--agent", "a"], "not both"],
    [["approve", "x", "--args", "{"], "must be JSON"],
    [["approve", "x", "y", "--args", "{}"], "one id"],
    [["deny", "x", "--args", "{}"], "goes with `approve`"],
    [["list", "--status", "odd"], "must be one of"],
  ])("says what is wrong with %j", async (args, text) => {
    const ran = await run(...args);
    expect([ran.code, ran.err]).toEqual([2, expect.stringContaining(text)]);
  });
});

describe("handlebar webhooks", () => {
  const hooks = (...args: readonly string[]) => plane.handlebar(cwd, "webhooks", ...args);

  it("creates, lists, tests, rotates and deletes", async () => {
    const made = await hooks("create", "https://hooks.invalid/in", "--name", "ops", "--type", "approval.requested");
    expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^whsec_\S+\n$/)]);
    const listed = (await hooks("list")).out;
    const [, id = ""] = /(\S+) +ops +https:\/\/hooks.invalid\/in +approval.requested +on/.exec(listed) ?? [];
    expect((await hooks("test", id)).out).toMatch(/msg_\S+ +webhook.test +pending/);
    const [, messageId = ""] = /(msg_\S+)/.exec((await hooks("deliveries", id)).out) ?? [];
    expect((await hooks("replay", id, messageId)).out).toContain("pending");
    const rotated = await hooks("rotate", id, "--grace-seconds", "60");
    expect(rotated.out).not.toBe(made.out);
    expect([(await hooks("enable", id)).code, (await hooks("delete", id)).code]).toEqual([0, 0]);
    expect((await hooks("list")).err).toBe("0 webhooks\n");
  });

  it.each([
    [["create", "nowhere"], "give the URL"],
    [["create", "http://127.0.0.1/in"], "HB_REQUEST_INVALID"],
    [["rotate", "x", "--grace-seconds", "soon"], "whole number"],
    [["test"], "name the webhook by its id"],
    [["replay", "x"], "name the message by its id"],
    [["crate"], "did you mean `create`?"],
  ])("says what is wrong with %j", async (args, text) => {
    const ran = await hooks(...args);
    expect([ran.code, ran.err]).toEqual([2, expect.stringContaining(text)]);
  });
});
