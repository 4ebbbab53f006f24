import { type AttackWay, attackSuite, attackWays } from "@handlebar/testing";
import { describe, expect, it } from "vitest";
import { aiSdkSubject } from "./contract-subject.test-support.ts";
import { policyClient } from "./policy-client.ts";
import { toolApproval } from "./tool-approval.test-support.ts";
import { type SdkVersion, VERSIONS } from "./versions.test-support.ts";

/** What the others share with these was tried on the newest versions. */
const MODES_ON_OLDEST: readonly string[] = ["generateText", "streamText().fullStream"];

/** Version 7 asks a policy engine before it asks its tools. */
function waysOfPolicyClient(version: SdkVersion): readonly AttackWay[] {
  const subject = aiSdkSubject({ ...version, params: { toolApproval: toolApproval(policyClient()) } });
  return attackWays(subject, { modes: MODES_ON_OLDEST }).map((way) => ({
    ...way,
    name: `policyClient() and ${way.name}`,
  }));
}

describe.each(VERSIONS)("approvals under attack on $framework", (version) => {
  const { framework, major } = version;
  const modes = framework.endsWith(".0.0") ? MODES_ON_OLDEST : undefined;
  const ways = [...attackWays(aiSdkSubject(version), { modes }), ...(major === 7 ? waysOfPolicyClient(version) : [])];
  const suite = attackSuite({ column: `AI SDK ${major}`, framework }, ways);

  for (const { name, run } of suite.cases) it(name, run);

  it("give the results that are checked in", async () => {
    const file = `../../approval-attacks/${framework.replaceAll(" ", "-")}.json`;
    await expect(`${JSON.stringify(suite.results(), null, 2)}\n`).toMatchFileSnapshot(file);
  });
});
