import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createdKeySchema } from "@handlebar/protocol";
import { createLog, loadServerConfig, type RunningServer, startServer } from "@handlebar/server";
import { handlebarAs, type Ran } from "./sandbox.fixture.ts";

/** A control plane of this test alone, on SQLite in a folder of its own and on a free port. */
export interface TestControlPlane {
  readonly origin: string;
  /** May everything. */
  readonly adminKey: string;
  /** What an SDK has. */
  readonly agentKey: string;
  /** Runs `handlebar <args>` against it. */
  handlebar(cwd: string, ...args: readonly string[]): Promise<Ran>;
  /** Asks its API. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Stops it and starts it again on the same folder and port; `meanwhile` runs in between. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

export async function startControlPlane(): Promise<TestControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), "hb-plane-"));
  let server = await start(folder, "0");
  const { origin } = server;
  const adminKey = server.firstKey ?? "";
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };
  const agentKey = createdKeySchema.parse(await call("POST", "/v1/keys", { name: "sdk" })).secret;
  return {
    origin,
    adminKey,
    agentKey,
    call,
    handlebar: (cwd, ...args) =>
      handlebarAs({ cwd, env: { HANDLEBAR_API_ENDPOINT: origin, HANDLEBAR_API_KEY: adminKey } }, ...args),
    restart: async (meanwhile) => {
      await server.stop();
      await meanwhile?.();
      server = await start(folder, new URL(origin).port);
    },
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function start(folder: string, port: string): Promise<RunningServer> {
  const flags = { host: "127.0.0.1", port, folder, durability: "normal" };
  return startServer(loadServerConfig({ env: {}, flags, cwd: folder }).config, createLog("silent"));
}
