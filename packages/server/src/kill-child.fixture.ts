/*
 * A server as a process of its own, for tests that kill it. Takes the store as JSON in its first argument, and prints one line once it listens.
 */
import { stdout } from "node:process";
import { loadServerConfig } from "./life/config.ts";
import { startServer } from "./life/start-server.ts";

interface Given {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

const importedMs = performance.now();
// `startKillServer` writes the argument.
const { env, cwd } = JSON.parse(process.argv[2] ?? "{}") as Given;
const { config } = loadServerConfig({ env, flags: {}, cwd });
const { origin } = await startServer(config);
stdout.write(`${JSON.stringify({ origin, openMs: performance.now() - importedMs })}\n`);
