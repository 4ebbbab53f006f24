import { adapterContract } from "@handlebar/testing";
import { describe, expect, it, vi } from "vitest";
import { openaiAgentsSubject } from "./contract-subject.test-support.ts";
import { FRAMEWORK } from "./framework-version.test-support.ts";

const contract = adapterContract(
  openaiAgentsSubject(FRAMEWORK, {
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

describe(`the adapter contract on ${FRAMEWORK}`, () => {
  for (const { name, run } of contract.cases) it(name, run);

  it("gives the results that are checked in", async () => {
    await expect(`${JSON.stringify(contract.results(), null, 2)}\n`).toMatchFileSnapshot("../../contract-results.json");
  });
});
