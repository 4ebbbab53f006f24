import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { sandbox } from "./sandbox.fixture.ts";

const BIN = fileURLToPath(new URL("../../bin/handlebar.js", import.meta.url));

function run(...args: readonly string[]): readonly [number | null, string, string] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], { encoding: "utf8" });
  return [status, stdout, stderr];
}

describe("the command itself", () => {
  it("gives data, talk and an exit code to the process", () => {
    expect(run("--version")).toEqual([0, "0.1.0\n", ""]);
    expect(run("chekc")).toEqual([
      2,
      "",
      "handlebar: there is no command `chekc`; did you mean `check`?\nrun `handlebar help` for the commands\n",
    ]);
  });

  it("serves until the system ends it, and ends well then", async () => {
    const args = ["--conditions=@handlebar/source", BIN, "serve", "--port", "0"];
    const server = spawn(process.execPath, args, { cwd: sandbox(), stdio: ["ignore", "pipe", "ignore"] });
    const ended = new Promise<number | null>((resolve) => server.on("exit", resolve));
    let out = "";
    await new Promise<void>((resolve) => {
      server.stdout.on("data", (chunk: Buffer) => {
        out += chunk.toString();
        if (out.includes("handlebar keys create")) resolve();
      });
      void ended.then(() => resolve());
    });
    const origin = /listens on (\S+),/.exec(out)?.[1];
    expect((await fetch(`${origin}/healthz`)).status).toBe(200);
    server.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
});
