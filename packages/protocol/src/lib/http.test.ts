import { describe, expect, it } from "vitest";
import type * as z from "zod";
import {
  agentStateSchema,
  budgetBodySchema,
  checkBodySchema,
  ingestBodySchema,
  linkMessageSchema,
  problemSchema,
  registerAgentBodySchema,
} from "./http.ts";
import { parseValue } from "./issue.ts";

const AT = "2026-01-31T09:00:00Z";
const KEY = { policyId: "p", ruleId: "r", index: 0, scope: "agent", scopeId: "support" };
const APPROVAL = {
  approvalId: "a1",
  fingerprint: "0".repeat(64),
  agent: "support",
  runId: "run",
  callId: "call",
  tool: "refund",
  ruleId: "r",
  policyId: "p",
  status: "pending",
  requestedAt: AT,
  expiresAt: AT,
};
const FACTS = { phase: "tool.before", runId: "run" };
const STATE = { revision: 3, policies: [], lockdowns: [] };

/** Each schema with values that it takes unchanged. */
const ACCEPTED: readonly (readonly [string, z.ZodType, readonly unknown[]])[] = [
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

/** A value that a schema refuses, and where and why. */
const REFUSED: readonly (readonly [string, z.ZodType, unknown, string])[] = [
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
  it.each(ACCEPTED)("%s: takes its documented forms, unchanged", (_name, schema, values) => {
    for (const value of values) expect(parseValue(schema, value)).toEqual({ ok: true, value });
  });

  it.each(REFUSED)("refuses %s", (_what, schema, value, expected) => {
    const parsed = parseValue(schema, value);
    expect(parsed.ok ? [] : parsed.issues.map((issue) => `${issue.path}: ${issue.message}`)).toEqual([expected]);
  });
});
