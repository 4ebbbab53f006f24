import { attackSuite, attackWays } from "@handlebar/testing";
import { describe, expect, it } from "vitest";
import { aiSdkSubject } from "./contract-subject.test-support.ts";
import { VERSIONS } from "./versions.test-support.ts";

/** What the others share with these was tried on the newest versions. */
const MODES_ON_OLDEST: readonly string[] = ["generateText", "streamText().fullStream"];

describe.each(VERSIONS)("approvals under attack on $framework", (version) => {
  const { framework, major } = version;
  const modes = framework.endsWith(".0.0") ? MODES_ON_OLDEST : undefined;
  const suite = attackSuite({ column: `AI SDK ${major}`, framework }, attackWays(aiSdkSubject(version), { modes }));

  for (const { name, run } of suite.cases) it(name, run);

  it("give the results that are checked in", async () => {
    const file = `../../approval-attacks/${framework.replaceAll(" ", "-")}.json`;
    await expect(`${JSON.stringify(suite.results(), null, 2)}\n`).toMatchFileSnapshot(file);
  });
});
