import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

/** Names a PostgreSQL that is there already; the tests make their own databases in it. */
const SERVER_URL = "HANDLEBAR_TEST_POSTGRES_URL";

interface RunningServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a PostgreSQL of its own in a temporary folder, on a free port. It ends with this process at the latest. */
export async function startPostgres(): Promise<RunningServer> {
  const script = fileURLToPath(new URL("./postgres-child.fixture.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script], { stdio: ["pipe", "pipe", "pipe"] });
  const gone = once(child, "exit");
  const errors: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  const url = await Promise.race([
    once(createInterface({ input: child.stdout }), "line").then(([line]) => String(line)),
    gone.then(() => undefined),
  ]);
  if (url === undefined) throw new Error(errors.join(""));
  return {
    url,
    stop: async () => {
      child.stdin.end();
      await gone;
    },
  };
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
