import { adapterContract } from "@handlebar/testing";
import * as newest from "langchain";
import * as oldest from "langchain-oldest";
import { describe, expect, it } from "vitest";
import { subjectOf, versionOf } from "./contract-subject.fixture.ts";
import type { Wiring } from "./subject.fixture.ts";

describe(`the adapter contract with governAgent on langchain ${versionOf("langchain")}`, () => {
  const framework = `langchain ${versionOf("langchain")}`;
  const contract = adapterContract(subjectOf({ governs: "agent", langchain: newest }, { framework }));
  for (const { name, run } of contract.cases) it(name, run);

  it("gives the results that are checked in", async () => {
    await expect(`${JSON.stringify(contract.results(), null, 2)}\n`).toMatchFileSnapshot("../../contract-results.json");
  });
});

const NO_STATUS = {
  reason: "this version hands a tool's error to the model without marking it as one; under policy it is marked",
};

describe(`the adapter contract with governAgent on langchain ${versionOf("langchain-oldest")}`, () => {
  // The same functions, of another version.
  const langchain = oldest as unknown as Wiring["langchain"];
  const framework = `langchain ${versionOf("langchain-oldest")}`;
  const cannot = {
    "shadow.nothing-changes": NO_STATUS,
    "off.nothing-changes": NO_STATUS,
    "errors.tool": NO_STATUS,
    "errors.user-functions": NO_STATUS,
    "errors.sink": NO_STATUS,
  };
  const contract = adapterContract(subjectOf({ governs: "agent", langchain }, { framework, cannot }));
  for (const { name, run } of contract.cases) it(name, run);
});

const NO_HOOK = {
  reason: "no hook of a middleware runs when an agent fails: the run ends by its time limit",
  issue: "langchain-ai/langchainjs#11207",
};
const OTHER_TEXT = {
  reason:
    "middleware cannot know whether another one waits for a tool's error, and so hands it on: the model is told its message alone",
};

describe(`the adapter contract with the middleware alone on langchain ${versionOf("langchain")}`, () => {
  const framework = `langchain ${versionOf("langchain")} (middleware alone)`;
  const cannot = {
    "run.error": NO_HOOK,
    "run.error-late": NO_HOOK,
    "run.error-mid-stream": NO_HOOK,
    "run.step-bound": { reason: "hooks that begin and end the run are steps of the graph" },
    "shadow.nothing-changes": OTHER_TEXT,
    "off.nothing-changes": OTHER_TEXT,
    "errors.tool": OTHER_TEXT,
    "errors.user-functions": OTHER_TEXT,
    "errors.sink": OTHER_TEXT,
  };
  const contract = adapterContract(subjectOf({ governs: "middleware", langchain: newest }, { framework, cannot }));
  for (const { name, run } of contract.cases) it(name, run);
});

describe("the adapter contract with a LangGraph graph built by hand", () => {
  const framework = `@langchain/langgraph ${versionOf("@langchain/langgraph")}`;
  const unknownRun = {
    reason:
      "a graph keeps no state for Handlebar, and a stream that is given at once leaves no time to look for the run that waits",
    modes: ["agent.streamEvents() v2"],
  };
  const cannot = {
    "block.ids-repeat": { reason: "LangGraph's `ToolNode` leaves out a call whose id was answered before" },
    "approval.approved": unknownRun,
  };
  const contract = adapterContract(subjectOf({ governs: "graph", langchain: newest }, { framework, cannot }));
  for (const { name, run } of contract.cases) it(name, run);
});
