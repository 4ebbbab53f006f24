import { type SpawnOptions, spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { REPO_ROOT } from "./repo-root.ts";

const BIN = join(REPO_ROOT, "node_modules", ".bin");

/** The Node.js that the repository brings; every tool runs on it. */
export const BUNDLED_NODE: string = join(BIN, "node");

/** What a finished command printed, both streams in order, and how it ended. */
export interface CommandResult {
  readonly ok: boolean;
  readonly output: string;
  readonly stdout: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Shows output as it comes; it is kept as well. */
  readonly stream?: boolean;
}

/** Runs a command with the repository's tools first in PATH. A command that cannot start is one that failed. */
export function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { stream = false, cwd = REPO_ROOT, env } = options;
  const spawnOptions: SpawnOptions = {
    cwd,
    env: { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}`, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  };
  return new Promise((resolve) => {
    let output = "";
    let stdout = "";
    const child = spawn(command, args, spawnOptions);
    const take = (text: string): void => {
      output += text;
      if (stream) process.stdout.write(text);
    };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      take(text);
    });
    child.stderr?.setEncoding("utf8").on("data", take);
    child.on("error", (error) => resolve({ ok: false, output: `${output}${error.message}\n`, stdout }));
    child.on("close", (code) => resolve({ ok: code === 0, output, stdout }));
  });
}

/** The machine's own Node.js, where npm runs; `undefined` when it is not known or of the bundled one's major version. */
export async function machineNode(): Promise<{ readonly path: string; readonly version: string } | undefined> {
  const path = process.env.npm_node_execpath;
  if (path === undefined || path === "") return undefined;
  const { ok, stdout } = await run(path, ["--version"]);
  const version = stdout.trim();
  const bundled = (await run(BUNDLED_NODE, ["--version"])).stdout.trim();
  return !ok || version.split(".")[0] === bundled.split(".")[0] ? undefined : { path, version };
}
