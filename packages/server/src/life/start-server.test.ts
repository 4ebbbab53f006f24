import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KeysService } from "../services/keys-service.ts";
import { openTestStore } from "../storage/test-store.test-support.ts";
import { loadServerConfig, type ServerConfig } from "./config.ts";
import { ensureFirstKey, FIRST_WORKSPACE } from "./first-key.ts";
import { issueLocalKey } from "./local-keys.ts";
import { createLog } from "./logger.ts";
import { processRuntime } from "./process-runtime.ts";
import { type RunningServer, startServer } from "./start-server.ts";

const SILENT = createLog("silent");
const KEY = `hb_${"a".repeat(10)}_${"B".repeat(43)}`;

let folder: string;
const running: RunningServer[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hb-start-"));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

function config(flags: Readonly<Record<string, string>> = {}): ServerConfig {
  return loadServerConfig({ env: {}, flags: { port: "0", ...flags }, cwd: folder }).config;
}

async function start(flags: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
  const server = await startServer(config(flags), SILENT);
  running.push(server);
  return server;
}

async function whoAmI(server: RunningServer, key: string | undefined): Promise<unknown> {
  const response = await fetch(`${server.origin}/v1/keys/current`, { headers: { authorization: `Bearer ${key}` } });
  return response.json();
}

describe("startServer", () => {
  it("makes the first key of a new store, once, and has everything again after a restart", async () => {
    const first = await start();
    expect(first.storeKind).toBe("sqlite");
    expect(await whoAmI(first, first.firstKey)).toMatchObject({
      workspace: { workspaceId: FIRST_WORKSPACE },
      key: { name: "first key", scopes: ["admin"] },
    });
    const issued = await first.issueKey({ name: "sdk", scopes: ["check"] });
    await first.stop();
    const second = await start();
    expect(second.firstKey).toBeUndefined();
    expect(await whoAmI(second, first.firstKey)).toMatchObject({ key: { name: "first key" } });
    expect(await whoAmI(second, issued.secret)).toMatchObject({ key: { name: "sdk", scopes: ["check"] } });
  });

  it("takes the first key that it is given, and does not print it", async () => {
    const server = await start({ "first-key": KEY });
    expect(server.firstKey).toBeUndefined();
    expect(await whoAmI(server, KEY)).toMatchObject({ key: { keyId: "aaaaaaaaaa", scopes: ["admin"] } });
  });

  it("refuses a folder that another server uses, and leaves that one alone", async () => {
    const first = await start();
    await expect(start()).rejects.toMatchObject({ code: "HB_STORE_LOCKED" });
    await expect(issueLocalKey(config(), { name: "k", scopes: ["admin"] }, SILENT)).rejects.toMatchObject({
      code: "HB_STORE_LOCKED",
    });
    expect(await whoAmI(first, first.firstKey)).toMatchObject({ key: { name: "first key" } });
  });

  it("lets go of its store when it cannot listen", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    await expect(startServer(config({ port: String(port) }), SILENT)).rejects.toMatchObject({ code: "EADDRINUSE" });
    taken.close();
    await start();
  });
});

describe("issueLocalKey", () => {
  it("makes a key without a server, also in a workspace that is new", async () => {
    const lost = await start();
    await lost.stop();
    const again = await issueLocalKey(config(), { name: "again", scopes: ["admin"] }, SILENT);
    const other = await issueLocalKey(config(), { name: "acme", scopes: ["admin"], workspaceId: "acme" }, SILENT);
    const server = await start();
    expect(await whoAmI(server, again.secret)).toMatchObject({ workspace: { workspaceId: FIRST_WORKSPACE } });
    expect(await whoAmI(server, other.secret)).toMatchObject({ workspace: { workspaceId: "acme" } });
  });
});

describe("ensureFirstKey", () => {
  it("makes one key, however many processes start at once", async () => {
    const store = await openTestStore();
    const runtime = processRuntime();
    const keys = new KeysService({ store, runtime });
    const made = await Promise.all([1, 2, 3].map(() => ensureFirstKey({ store, keys, runtime })));
    expect(made.filter((key) => key !== undefined)).toHaveLength(1);
    expect(await store.keys.list(FIRST_WORKSPACE)).toHaveLength(1);
    await store.close();
  });
});
