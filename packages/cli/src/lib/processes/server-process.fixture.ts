import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../../bin/handlebar.js", import.meta.url));
const LISTENS = /listens on (\S+?),/;

/** `handlebar serve` as a process of its own. */
export interface ServerProcess {
  readonly origin: string;
  /** Ends it at once, whatever it is doing. */
  kill(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
}

export interface ServerPlace {
  readonly folder: string;
  /** A PostgreSQL in place of SQLite in the folder. */
  readonly databaseUrl?: string | undefined;
  readonly firstKey: string;
}

export async function startServerProcess({ folder, databaseUrl, firstKey }: ServerPlace): Promise<ServerProcess> {
  const options = ["--port", "0", "--folder", folder, "--first-key", firstKey, "--log-level", "error"];
  const limits = ["--rate-limit-per-second", "1000000", "--rate-limit-burst", "1000000"];
  const database = databaseUrl === undefined ? [] : ["--database-url", databaseUrl];
  const child = spawn(
    process.execPath,
    ["--conditions=@handlebar/source", PROGRAM, "serve", ...options, ...limits, ...database],
    // Settings of whoever runs the test are not its own.
    { cwd: folder, env: {}, stdio: ["ignore", "pipe", "pipe"] },
  );
  const errors: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  const gone = once(child, "exit");
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await gone;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const [, origin] = LISTENS.exec(line) ?? [];
    if (origin !== undefined) return { origin, kill: () => end("SIGKILL"), stop: () => end("SIGTERM") };
  }
  throw new Error(`the server did not start: ${errors.join("")}`);
}
