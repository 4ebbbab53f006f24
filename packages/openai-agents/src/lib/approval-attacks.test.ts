import { attackSuite, attackWays } from "@handlebar/testing";
import { describe, expect, it } from "vitest";
import { openaiAgentsSubject } from "./contract-subject.test-support.ts";
import { FRAMEWORK } from "./framework-version.test-support.ts";

const suite = attackSuite(
  { column: "OpenAI Agents", framework: FRAMEWORK },
  attackWays(openaiAgentsSubject(FRAMEWORK, {})),
);

describe(`approvals under attack on ${FRAMEWORK}`, () => {
  for (const { name, run } of suite.cases) it(name, run);

  it("give the results that are checked in", async () => {
    await expect(`${JSON.stringify(suite.results(), null, 2)}\n`).toMatchFileSnapshot("../../approval-attacks.json");
  });
});
