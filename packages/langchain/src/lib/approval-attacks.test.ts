import { attackSuite, attackWays } from "@handlebar/testing";
import * as langchain from "langchain";
import { describe, expect, it } from "vitest";
import { subjectOf, versionOf } from "./contract-subject.fixture.ts";

const framework = `langchain ${versionOf("langchain")}`;

const MODES = {
  agent: undefined,
  middleware: ["agent.invoke()", "agent.stream() messages"],
  graph: ["agent.invoke()", "agent.streamEvents() v2"],
} as const;

describe.each(["agent", "middleware", "graph"] as const)(
  `approvals under attack on ${framework}, governed by the %s`,
  (governs) => {
    const ways = attackWays(subjectOf({ governs, langchain }, { framework }), { modes: MODES[governs] });
    const suite = attackSuite({ column: "LangChain", framework: `${framework} (${governs})` }, ways);

    for (const { name, run } of suite.cases) it(name, run);

    it("give the results that are checked in", async () => {
      const file = `../../approval-attacks/${governs}.json`;
      await expect(`${JSON.stringify(suite.results(), null, 2)}\n`).toMatchFileSnapshot(file);
    });
  },
);
