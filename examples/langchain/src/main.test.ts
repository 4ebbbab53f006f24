import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

it("the story comes to the end that it checks", () => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const env = { ...process.env, OPENAI_API_KEY: undefined };
  const run = spawnSync(process.execPath, ["--conditions=@handlebar/source", "--import", "tsx", main], {
    env,
    encoding: "utf8",
  });
  expect(run.status, `${run.stdout}${run.stderr}`).toBe(0);
  expect(run.stdout).toContain("BLOCK send_mail");
});
