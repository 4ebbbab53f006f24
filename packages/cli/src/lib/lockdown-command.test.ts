import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";
import { sandbox } from "./sandbox.fixture.ts";

let plane: TestControlPlane;
const folder = sandbox();
beforeAll(async () => {
  plane = await startControlPlane();
  const { agentId } = (await plane.call("PUT", "/v1/agents", { slug: "support" })) as { readonly agentId: string };
  await plane.call("POST", `/v1/agents/${agentId}/ack`, { clientId: "c1", revision: 1, lockdownIds: [] });
});
afterAll(() => plane.stop());

const run = (...args: readonly string[]) => plane.handlebar(folder, "lockdown", ...args);

describe("handlebar lockdown", () => {
  it("stops, names who does not obey yet, lists and lifts", async () => {
    const created = await run("create", "--agent", "support", "--reason", "odd", "--for", "30m", "--wait", "0");
    expect(created.code).toBe(1);
    expect(created.out).toMatch(/^(\S+) stops agent support: in force\nobeyed by 0 of 1 client\n[\s\S]*c1 +support/);
    const id = created.out.split(" ")[0] ?? "";
    expect((await run()).out).toMatch(new RegExp(`${id} +agent support +in force until \\S+ +0/1 +odd`));
    expect((await run("show", id)).out).toContain("obeyed by 0 of 1 client");
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
