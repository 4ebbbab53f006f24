import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

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
});
