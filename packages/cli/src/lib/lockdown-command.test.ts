import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";
import { sandbox } from "./sandbox.fixture.ts";

let plane: TestControlPlane;
let agentId: string;
const folder = sandbox();
beforeAll(async () => {
  plane = await startControlPlane();
  ({ agentId } = (await plane.call("PUT", "/v1/agents", { slug: "support" })) as { readonly agentId: string });
  await ack([]);
});
afterAll(() => plane.stop());

const ack = (lockdownIds: readonly string[]) =>
  plane.call("POST", `/v1/agents/${agentId}/ack`, { clientId: "c1", revision: 1, lockdownIds });
const run = (...args: readonly string[]) => plane.handlebar(folder, "lockdown", ...args);

describe("handlebar lockdown", () => {
  it("stops, names who does not obey yet, lists and lifts", async () => {
    expect([(await run("status")).code, (await run("status")).err]).toEqual([0, "no lockdown is in force\n"]);
    const created = await run("create", "--agent", "support", "--reason", "odd", "--for", "30m", "--wait", "0");
    expect(created.code).toBe(1);
    expect(created.out).toMatch(
      /^(\S+) stops agent support: in force\nobeyed by 0 of 1 client\n[\s\S]*c1 +support +not yet/,
    );
    const id = created.out.split(" ")[0] ?? "";
    expect((await run()).out).toMatch(new RegExp(`${id} +agent support +in force until \\S+ +0/1 +odd`));
    const seen = await run("status", id);
    expect([seen.code, seen.out]).toEqual([
      1,
      expect.stringMatching(/obeyed by 0 of 1 client\n[\s\S]*c1 +support +not yet/),
    ]);
    await ack([id]);
    const obeyed = await run("status");
    expect([obeyed.code, obeyed.out]).toEqual([
      0,
      expect.stringMatching(/obeyed by 1 of 1 client\n1 running client obeyed: half within \d+ ms/),
    ]);
    expect(JSON.parse((await run("status", id, "--json")).out)).toMatchObject({ course: { stoppedCount: 1 } });
    expect([(await run("lift", id)).code, (await run("list")).err]).toEqual([0, "0 lockdowns\n"]);
    expect((await run("list", "--all")).out).toMatch(/lifted/);
  });

  it.each([
    [["create"], "say what to stop"],
    [["create", "--everything", "--agent", "a"], "say what to stop"],
    [["create", "--everything", "--for", "soon"], "--for must be a time such as"],
    [["lift"], "name the lockdown by its id"],
    [["raise"], "there is no `lockdown raise`"],
  ])("says what is wrong with %j", async (args, text) => {
    const ran = await run(...args);
    expect([ran.code, ran.err]).toEqual([2, expect.stringContaining(text)]);
  });

  it("hands on the control plane's refusal", async () => {
    const ran = await run("show", "none");
    expect([ran.code, ran.err]).toEqual([2, expect.stringContaining("HB_NOT_FOUND: there is no lockdown `none`")]);
  });
});
