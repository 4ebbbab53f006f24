import type { Description } from "./policy-descriptions.ts";

const HOST_FIELDS = {
  subjects: "What the host's extractor finds in the call; `unknown` where it fails.",
  signals:
    "Values of the host's signal functions by name, `null` for none. One that is not given fails: it is unknown.",
  customs: "Answers of the host's own functions by name. One that is not given fails: it is unknown.",
  unavailable: "Shared windows cannot be read. Default false.",
};

const RUN_FIELDS = {
  actor: "Whom the run acts for.",
  prompt: "What the user asks for.",
  session: "The session that groups runs.",
  runTags: "Tags of the run.",
  context: "The run's context, which the host gives.",
};

const SETTINGS = {
  agent: "The agent: its slug, or slug and tags. Default `agent`.",
  ...RUN_FIELDS,
  tools:
    "The agent's tools by name: their tags, or tags and classification. When given, a call of another tool is an error.",
  now: "When the case starts, ISO 8601 with a zone. Default Monday, 2026-01-05T12:00:00Z.",
  enforceMode: "The client's mode. Default `enforce`.",
  failClosed: "The client's fail mode. Default false.",
  lockdowns: "Stop orders in force.",
  ...HOST_FIELDS,
};

const EXPECT = "What the decision must be. Absent: the call is let through.";
const TOOK = "How long it takes, such as `2s`; the clock moves on by as much. Default: no time.";
const METRICS = "Metrics of the call once it has ended.";

export const CASE_DESCRIPTIONS: Readonly<Record<string, Description>> = {
  PolicyCaseFile: {
    text: "Cases: scripted runs of an agent, and what policies must make of them.",
    fields: {
      policies:
        "Policy files that the cases are about, relative to this file. Default: the file of the same name beside it.",
      ...SETTINGS,
      cases: "The cases; each starts afresh.",
    },
  },
  PolicyCase: {
    text: "One case. Its settings override those of the file; tools of both count.",
    fields: {
      name: "What it shows; unique in the file.",
      description: "More about it.",
      ...SETTINGS,
      steps: "What happens, in order.",
    },
  },
  CallStep: {
    text: "A tool call, and what the tool returns when it is let through.",
    fields: {
      call: "The tool's name.",
      args: "The call's arguments. Default: an empty object.",
      result: "What the tool returns. Default: null.",
      error: "The tool throws this instead of returning.",
      took: TOOK,
      metrics: METRICS,
      approval: "The answer that exists for exactly this call.",
      ...HOST_FIELDS,
      expect: EXPECT,
      expectResult: "What the decision on the result must be. Absent: it is let through.",
    },
  },
  LlmStep: {
    text: "A model call.",
    fields: {
      llm: "What goes to the model and what comes back.",
      messages: "What goes to the model.",
      response: "What comes back.",
      model: "The model.",
      took: TOOK,
      metrics: METRICS,
      ...HOST_FIELDS,
      expect: EXPECT,
      expectResponse: "What the decision on the response must be. Absent: it is let through.",
    },
  },
  AdvanceStep: { text: "Time passes.", fields: { advance: "How much, such as `90s` or `1h 30m`." } },
  PromptStep: { text: "The user says something.", fields: { prompt: "What the user says." } },
  RunStep: {
    text: "Another run starts; windows beyond a run go on.",
    fields: { run: "Its settings; those that are absent are the case's.", ...RUN_FIELDS },
  },
  CaseExpectation: {
    text: "What a decision must be: an outcome, or fields that must all hold.",
    fields: {
      verdict:
        "Let through as it is (`ALLOW`), let through rewritten (`REDACT`), held for a person (`HITL`), or refused (`BLOCK`).",
      control: "What happens to the run.",
      cause: "The kind of the cause.",
      rule: "Name or id of the rule that decided.",
      message: "Text that the message contains.",
      shadow: "What shadow rules would have made of it.",
      args: "The whole arguments as they go on.",
      result: "The whole result as it goes on.",
      messages: "The messages as they go on.",
      response: "The response as it goes on.",
      labels: "All labels of the run from then on.",
    },
  },
};
