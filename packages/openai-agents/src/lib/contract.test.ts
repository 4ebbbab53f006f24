import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { adapterContract } from "@handlebar/testing";
import { describe, expect, it, vi } from "vitest";
import { openaiAgentsSubject } from "./contract-subject.test-support.ts";

const { version }: { version: string } = JSON.parse(
  readFileSync(
    createRequire(import.meta.url)
      .resolve("@openai/agents")
      .replace(/dist\/.*$/, "package.json"),
    "utf8",
  ),
);

const contract = adapterContract(
  openaiAgentsSubject(`@openai/agents ${version}`, {
    cannot: {
      "block.ids-repeat": {
        reason: "the framework refuses a call id that comes again with other arguments, before anything is asked",
      },
      "errors.tool": {
        reason:
          "the framework tells nobody what a tool threw; it is recorded that the tool failed, and with `errorFunction: recordToolError` what it threw",
        issue: "openai/openai-agents-js#753",
      },
    },
    secondCopyOfCore: async () => {
      vi.resetModules();
      return await import("@handlebar/core");
    },
  }),
);

describe(`the adapter contract on @openai/agents ${version}`, () => {
  for (const { name, run } of contract.cases) it(name, run);

  it("gives the results that are checked in", async () => {
    await expect(`${JSON.stringify(contract.results(), null, 2)}\n`).toMatchFileSnapshot("../../contract-results.json");
  });
});
