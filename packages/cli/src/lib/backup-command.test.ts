import { existsSync } from "node:fs";
import { join } from "node:path";
import { createLog, loadServerConfig, type RunningServer, startServer } from "@handlebar/server";
import { describe, expect, it } from "vitest";
import { handlebarAs, type Ran, sandbox } from "./sandbox.fixture.ts";

function serve(cwd: string): Promise<RunningServer> {
  return startServer(loadServerConfig({ env: {}, flags: { port: "0" }, cwd }).config, createLog("silent"));
}

async function policyNames(server: RunningServer, key: string): Promise<readonly string[]> {
  const response = await fetch(`${server.origin}/v1/policies`, { headers: { authorization: `Bearer ${key}` } });
  const body = (await response.json()) as { policies: { policyId: string }[] };
  return body.policies.map(({ policyId }) => policyId);
}

async function push(server: RunningServer, key: string, name: string): Promise<void> {
  const response = await fetch(`${server.origin}/v1/policies`, {
    method: "PUT",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ policies: [{ name, rules: [] }] }),
  });
  expect(response.status).toBe(200);
}

describe("handlebar backup and restore", () => {
  it("copies a store under a running server, and brings it back once that has stopped", async () => {
    const cwd = sandbox();
    const run = (...args: readonly string[]): Promise<Ran> => handlebarAs({ cwd, env: {} }, ...args);
    const server = await serve(cwd);
    const key = server.firstKey ?? "";
    await push(server, key, "before");
    const made = await run("backup", "copy.sqlite");
    expect([made.code, made.out]).toEqual([0, `${join(cwd, "copy.sqlite")}\n`]);
    await push(server, key, "after");
    const refused = await run("restore", "copy.sqlite");
    expect([refused.code, refused.err]).toEqual([2, expect.stringMatching(/^HB_STORE_LOCKED: /)]);
    await server.stop();
    const restored = await run("restore", "copy.sqlite");
    expect(restored.code).toBe(0);
    expect(restored.err).toContain("0 events restored");
    const kept = /is in (.+)\n/.exec(restored.err)?.[1];
    expect(kept !== undefined && existsSync(kept)).toBe(true);
    const again = await serve(cwd);
    expect(await policyNames(again, key)).toEqual(["before"]);
    await again.stop();
  });

  it.each([
    ["backup", [], "name the file to write"],
    ["restore", [], "name the backup"],
    ["restore", ["nothing.sqlite"], "there is no backup"],
    ["backup", ["copy.sqlite"], "there is no store"],
    ["migrate-to-postgres", [], "name the database by DATABASE_URL or --database-url"],
    ["migrate-to-postgres", ["postgres://x"], "named by DATABASE_URL or --database-url"],
  ])("%s %j: says what is wrong", async (command, args, message) => {
    const { code, err } = await handlebarAs({ cwd: sandbox(), env: {} }, command, ...args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
