import { attackSuite, attackWays, type NotPossible } from "@handlebar/testing";
import * as langchain from "langchain";
import { describe, expect, it } from "vitest";
import { subjectOf, versionOf } from "./contract-subject.fixture.ts";

const framework = `langchain ${versionOf("langchain")}`;

const UNKNOWN_RUN: NotPossible = {
  reason:
    "a graph built by hand keeps no state for Handlebar, and this stream is given at once, so that the run that waits is not found: the call is held anew",
};
/** All that go on with the held call itself. */
const GOING_ON: readonly string[] = [
  "a resume payload says `approved`, and nobody answered",
  "a resume payload says nothing, and a person approved",
  "the model proposes a denied call again",
  "an approval is replayed: the same call once more after its approval was used",
  "a resume payload is sent again after its call ran",
  "a resume payload is sent twice at once",
  "another actor makes the approved call in the same run",
  "another run makes the approved call",
  "another agent makes the approved call in the same run",
  "several people answer at once, some yes and some no",
  "the run goes on in another process, and in the first one too",
  "two processes go on at the same moment",
  "a person approves with other arguments, and the agent goes on with its own",
];

const MODES = {
  agent: undefined,
  middleware: ["agent.invoke()", "agent.stream() messages"],
  graph: ["agent.invoke()", "agent.streamEvents() v2"],
} as const;

describe.each(["agent", "middleware", "graph"] as const)(
  `approvals under attack on ${framework}, governed by the %s`,
  (governs) => {
    const ways = attackWays(subjectOf({ governs, langchain }, { framework }), {
      modes: MODES[governs],
      notPossible: ({ name }, owner) =>
        governs === "graph" && name === "agent.streamEvents() v2" && owner === "adapter"
          ? {
              ...Object.fromEntries(GOING_ON.map((attack) => [attack, UNKNOWN_RUN])),
              // Its tool would be waited for in vain.
              "a resume payload is sent again while its call runs": { ...UNKNOWN_RUN, kind: "absent" },
            }
          : undefined,
    });
    const suite = attackSuite({ column: "LangChain", framework: `${framework} (${governs})` }, ways);

    for (const { name, run } of suite.cases) it(name, run);

    it("give the results that are checked in", async () => {
      const file = `../../approval-attacks/${governs}.json`;
      await expect(`${JSON.stringify(suite.results(), null, 2)}\n`).toMatchFileSnapshot(file);
    });
  },
);
