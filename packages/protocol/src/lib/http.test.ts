import { describe, it } from "vitest";
import {
  agentStateSchema,
  budgetBodySchema,
  checkBodySchema,
  ingestBodySchema,
  linkMessageSchema,
  problemSchema,
  registerAgentBodySchema,
} from "./http.ts";
import { type Accepted, APPROVAL, expectAccepted, expectRefused, KEY, type Refused } from "./schema-table.fixture.ts";

const FACTS = { phase: "tool.before", runId: "run" };
const STATE = { revision: 3, policies: [], lockdowns: [] };

const ACCEPTED: readonly Accepted[] = [
  ["agent state", agentStateSchema, [STATE, { ...STATE, policies: [{ name: "p", rules: [] }], serverTimeMs: 1 }]],
  ["registration", registerAgentBodySchema, [{ slug: "a" }, { slug: "a", tools: [{ name: "t" }] }]],
  [
    "check",
    checkBodySchema,
    [
      { agentId: "a", facts: FACTS },
      {
        agentId: "a",
        policies: ["p"],
        facts: [FACTS, { ...FACTS, args: { a: 1 }, messages: [{ role: "user", content: "hi" }] }],
      },
    ],
  ],
  ["budget", budgetBodySchema, [{ clientId: "c", operations: [{ op: "request", leaseId: "l", key: KEY, amount: 1 }] }]],
  [
    "link message",
    linkMessageSchema,
    [
      { kind: "state", state: STATE },
      { kind: "lockdowns", revision: 0, lockdowns: [] },
      { kind: "approval", approval: APPROVAL },
      { kind: "lease.recall", leaseId: "l" },
      { kind: "heartbeat" },
    ],
  ],
  ["problem", problemSchema, [{ title: "Bad", status: 400, code: "HB_API_REJECTED" }]],
];

const REFUSED: readonly Refused[] = [
  ["a revision below zero", agentStateSchema, { ...STATE, revision: -1 }, "revision: must be at least 0"],
  ["an empty batch", checkBodySchema, { agentId: "a", facts: [] }, "facts: must have at least one element"],
  [
    "a wrong call in a batch",
    checkBodySchema,
    { agentId: "a", facts: [FACTS, { ...FACTS, phase: "before" }] },
    "facts[1].phase: must be one of `tool.before`, `tool.after`, `llm.before`, `llm.after`, not `before`",
  ],
  ["no events", ingestBodySchema, { agentId: "a", events: [] }, "events: must have at least one element"],
];

describe("schemas of HTTP bodies", () => {
  it.each(ACCEPTED)("%s: takes its documented forms, unchanged", expectAccepted);

  it.each(REFUSED)("refuses %s", expectRefused);
});
