import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";
import { handlebarAs, type Ran, sandbox } from "./sandbox.fixture.ts";

let plane: TestControlPlane;
const cwd = sandbox();
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.stop());

const keys = (...args: readonly string[]): Promise<Ran> => plane.handlebar(cwd, "keys", ...args);
const SECRET = /^hb_[a-z0-9]{10}_[A-Za-z0-9_-]{43}\n$/;

async function current(key: string): Promise<Ran> {
  const env = { HANDLEBAR_API_ENDPOINT: plane.origin, HANDLEBAR_API_KEY: key };
  return handlebarAs({ cwd, env }, "keys", "current");
}

describe("handlebar keys", () => {
  it("creates a key for an SDK, its secret alone on standard output", async () => {
    const { code, out, err } = await keys("create", "support agent");
    expect([code, err]).toEqual([
      0,
      "support agent may agents:write, check, events:write; its secret is not shown again:\n",
    ]);
    expect(out).toMatch(SECRET);
    expect((await current(out.trim())).out).toMatch(
      /\(support agent\) of the workspace default: agents:write, check, events:write\n$/,
    );
  });

  it("creates keys with scopes and an end, and lists them without secrets", async () => {
    const made = await keys("create", "reader", "--scope", "read", "--scope", "check", "--expires-in-days", "7");
    expect(made.code).toBe(0);
    const { out } = await keys("list");
    expect(out).toMatch(/reader +check read +works until \d{4}-/);
    expect(out).not.toContain(made.out.trim());
    const json = JSON.parse((await keys("list", "--json")).out);
    expect(json.keys.find((key: { name: string }) => key.name === "reader").scopes).toEqual(["check", "read"]);
  });

  it("rotates and revokes a key", async () => {
    const old = (await keys("create", "old")).out.trim();
    const id = old.split("_")[1] ?? "";
    const made = (await keys("rotate", id, "--grace-seconds", "600")).out.trim();
    expect([(await current(old)).code, (await current(made)).code]).toEqual([0, 0]);
    const revoked = await keys("revoke", made.split("_")[1] ?? "");
    expect([revoked.code, revoked.err]).toEqual([0, `${made.split("_")[1]} does not work any more\n`]);
    const refused = await current(made);
    expect([refused.code, refused.err]).toEqual([
      2,
      "HB_API_AUTH: the API key was revoked; create or rotate one with `handlebar keys`\n",
    ]);
    expect((await keys("list")).out).toMatch(new RegExp(`${id} .*replaced by ${made.split("_")[1]}`));
  });

  it.each([
    [["create"], "name the key, after whoever is to use it"],
    [["create", "x", "--scope", "raed"], "there is no scope `raed`; did you mean `read`?"],
    [["create", "x", "--expires-in-days", "soon"], "`--expires-in-days` must be a whole number"],
    [["crate", "x"], "there is no `keys crate`; did you mean `create`?"],
    [["revoke"], "name the key by its id; `handlebar keys list` shows them"],
    [[], "say what to do: list, create, rotate, revoke, current"],
  ])("keys %j: says what is wrong", async (args, message) => {
    const { code, err } = await keys(...args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it("says that there is no such key", async () => {
    expect((await keys("revoke", "nothere")).err).toBe(
      "HB_NOT_FOUND: there is no key `nothere`; `GET /v1/keys` lists them\n",
    );
  });

  it("says what to do without a key, or without a server", async () => {
    expect((await handlebarAs({ cwd, env: {} }, "keys", "list")).err).toContain("set HANDLEBAR_API_KEY");
    const away = { HANDLEBAR_API_ENDPOINT: "http://127.0.0.1:1", HANDLEBAR_API_KEY: "hb_x" };
    const { code, err } = await handlebarAs({ cwd, env: away }, "keys", "list");
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(
        /^HB_API_UNREACHABLE: http:\/\/127\.0\.0\.1:1 cannot be reached .*start it with `handlebar serve`/,
      ),
    ]);
    const wrong = await handlebarAs(
      { cwd, env: { HANDLEBAR_API_KEY: "hb_x" } },
      "keys",
      "list",
      "--server",
      "localhost",
    );
    expect(wrong.err).toContain("`localhost` is not a URL");
  });

  it("makes keys in the store itself while no server runs", async () => {
    const folder = sandbox();
    const local = (...args: readonly string[]): Promise<Ran> =>
      handlebarAs({ cwd: folder, env: {} }, "keys", "create", ...args, "--local");
    const made = await local("rescue", "--folder", folder, "--workspace", "acme");
    expect([made.code, made.err]).toEqual([0, "rescue may admin; its secret is not shown again:\n"]);
    expect(made.out).toMatch(SECRET);
    expect((await local("x", "--expires-in-days", "1")).err).toContain("needs a server");
  });
});
