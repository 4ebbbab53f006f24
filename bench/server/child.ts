import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A server in a process of its own. */
export interface Child {
  readonly origin: string;
  readonly pid: number | undefined;
  readonly firstKey: string | undefined;
  /** Its resident memory after a collection. */
  rssBytes(): Promise<number>;
  /** Processor time that it took so far, where its script says so. */
  cpuMicros(): Promise<number>;
  stop(): Promise<void>;
}

interface Hello {
  readonly origin: string;
  readonly firstKey?: string | undefined;
}

/** Starts one of the scripts beside this one. */
export async function startChild(script: string, ...args: readonly string[]): Promise<Child> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = fork(path, [...args], { execArgv: [...process.execArgv, "--expose-gc"] });
  const { origin, firstKey } = await next<Hello>(child);
  return {
    origin,
    pid: child.pid,
    firstKey,
    rssBytes: async () => (await ask(child)).rssBytes,
    cpuMicros: async () => (await ask(child)).cpuMicros ?? Number.NaN,
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.disconnect();
      }),
  };
}

function ask(child: ChildProcess): Promise<{ readonly rssBytes: number; readonly cpuMicros?: number }> {
  const answer = next<{ readonly rssBytes: number; readonly cpuMicros?: number }>(child);
  child.send("memory");
  return answer;
}

function next<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`the server ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      resolve(message as T);
    });
  });
}
