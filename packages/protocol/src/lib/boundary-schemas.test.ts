import { describe, it } from "vitest";
import { actorSchema } from "./actor.ts";
import { agentSchema, agentSelectorSchema } from "./agent.ts";
import { approvalAnswerSchema, approvalRequestSchema, approvalSchema } from "./approval.ts";
import { causeSchema, decisionSchema, plannedRedactionSchema } from "./decision.ts";
import { exprTreeSchema } from "./expr.ts";
import { idSchema, slugSchema, tagSchema, timestampSchema } from "./ids.ts";
import { jsonValueSchema, stringMapSchema } from "./json.ts";
import { leaseOperationSchema, leaseSchema } from "./lease.ts";
import { lockdownSchema } from "./lockdown.ts";
import { messageSchema } from "./message.ts";
import { metricNameSchema, metricsSchema } from "./metric.ts";
import {
  type Accepted,
  APPROVAL,
  AT,
  expectAccepted,
  expectRefused,
  KEY,
  REQUEST,
  type Refused,
} from "./schema-table.fixture.ts";
import { subjectSchema } from "./subject.ts";
import { toolSchema, toolSelectorSchema } from "./tool.ts";

const RULE = {
  ruleId: "r",
  policyId: "p",
  enabled: true,
  matched: true,
  violated: true,
  mode: "enforce",
  effect: "block",
  outcome: "true",
};
const DECISION = {
  verdict: "BLOCK",
  control: "CONTINUE",
  cause: { kind: "RULE_VIOLATION", ruleId: "r", policyId: "p" },
  message: "no",
  evaluatedRules: [RULE],
};

const ACCEPTED: readonly Accepted[] = [
  ["id", idSchema, ["a", "user/42 ü", "x".repeat(256)]],
  ["slug", slugSchema, ["support", "a.b_c-1", "0"]],
  ["tag", tagSchema, ["pii", "read-only", "two words"]],
  ["timestamp", timestampSchema, [AT, "2026-01-31T09:00:00.123+01:00"]],
  ["JSON", jsonValueSchema, [null, 1, "a", [true, { a: [] }], {}]],
  ["string map", stringMapSchema, [{}, { tier: "" }]],
  ["metric name", metricNameSchema, ["llm_cost_usd", "a1"]],
  ["metrics", metricsSchema, [{}, { own_metric: -1.5 }]],
  [
    "actor",
    actorSchema,
    [
      { externalId: "u" },
      { externalId: "u", name: "", metadata: { tier: "free" }, group: { externalId: "g", name: "G", metadata: {} } },
    ],
  ],
  ["agent", agentSchema, [{ slug: "a" }, { slug: "a", name: "A", description: "", tags: ["x"] }]],
  ["agent selector", agentSelectorSchema, [{}, { anyOfSlugs: ["a"], anyOfTags: ["x"], allOfTags: ["y"] }]],
  [
    "tool",
    toolSchema,
    [
      { name: "t" },
      {
        name: "t",
        description: "",
        tags: ["x"],
        classification: "restricted",
        argsSchema: { type: "object" },
        kind: "mcp",
        version: "1",
        metadata: {},
      },
    ],
  ],
  ["tool selector", toolSelectorSchema, [{}, { name: "a*" }, { name: ["a", "b"], tagsAny: ["x"], tagsAll: ["y"] }]],
  [
    "subject",
    subjectSchema,
    [
      { subjectType: "patient", value: "1" },
      { subjectType: "patient", value: "1", role: "r", idSystem: "mrn" },
    ],
  ],
  [
    "message",
    messageSchema,
    [
      { role: "user", content: "hi" },
      {
        role: "assistant",
        content: [
          { type: "text", text: "a" },
          { type: "reasoning", text: "b" },
          { type: "tool-call", callId: "c", tool: "t", args: {} },
        ],
      },
      {
        role: "tool",
        content: [
          { type: "tool-result", callId: "c", tool: "t", result: null, isError: true },
          { type: "file", mediaType: "image/png", name: "a.png" },
        ],
      },
    ],
  ],
  [
    "cause",
    causeSchema,
    [
      { kind: "ALLOW" },
      { kind: "RULE_VIOLATION", ruleId: "r", policyId: "p" },
      { kind: "HITL_PENDING" },
      { kind: "HITL_PENDING", approvalId: "a", ruleId: "r", policyId: "p" },
      { kind: "HITL_DENIED", approvalId: "a", by: "ann" },
      { kind: "HITL_APPROVED", approvalId: "a" },
      { kind: "LOCKDOWN", lockdownId: "l" },
      { kind: "BUDGET_EXHAUSTED", ruleId: "r", policyId: "p", resetAt: 1 },
      { kind: "UNAVAILABLE", code: "HB_STATE_STALE" },
      { kind: "RUN_ENDED" },
    ],
  ],
  [
    "planned redaction",
    plannedRedactionSchema,
    [
      { detectors: ["email"], ruleId: "r", policyId: "p" },
      { paths: ["a"], method: "hash", ruleId: "r", policyId: "p" },
    ],
  ],
  [
    "decision",
    decisionSchema,
    [
      DECISION,
      {
        ...DECISION,
        finalRuleId: "r",
        redactions: [{ paths: ["a"], ruleId: "r", policyId: "p" }],
        shadow: { verdict: "ALLOW", control: "CONTINUE", cause: { kind: "ALLOW" }, finalRuleId: "r", redacts: true },
        degraded: ["HB_STATE_STALE"],
      },
    ],
  ],
  [
    "approval request",
    approvalRequestSchema,
    [
      REQUEST,
      {
        ...REQUEST,
        sessionId: "s",
        args: { a: 1 },
        actor: { externalId: "u" },
        reason: "why",
        terms: { approvalsNeeded: 2 },
      },
    ],
  ],
  [
    "approval",
    approvalSchema,
    [APPROVAL, { ...APPROVAL, status: "approved", by: "ann", comment: "ok", resolvedAt: AT, usedAt: AT }],
  ],
  ["approval answer", approvalAnswerSchema, [{ status: "approved" }, { status: "denied", by: "ann", comment: "" }]],
  [
    "lockdown",
    lockdownSchema,
    [
      { kind: "workspace" },
      { kind: "agent", slug: "a" },
      { kind: "actor", externalId: "u" },
      { kind: "session", sessionId: "s" },
      { kind: "tool", name: "t" },
    ].map((scope) => {
      return { lockdownId: "l", scope, reason: "why", until: AT };
    }),
  ],
  [
    "lease",
    leaseSchema,
    [
      { leaseId: "l", key: KEY, granted: 0, ttlMs: 0, remaining: -1 },
      { leaseId: "l", key: KEY, granted: 5, ttlMs: 1000, remaining: 10, resetAt: 1 },
    ],
  ],
  [
    "lease operation",
    leaseOperationSchema,
    [
      { op: "request", leaseId: "l", key: KEY, amount: 1 },
      { op: "renew", leaseId: "l", key: KEY, spent: 0, amount: 0 },
      { op: "settle", leaseId: "l", key: KEY, spent: 1 },
      { op: "return", leaseId: "l", key: KEY, spent: 1 },
    ],
  ],
  [
    "expression tree",
    exprTreeSchema,
    [
      {
        version: 1,
        root: {
          node: "call",
          fn: "_&&_",
          args: [
            { node: "literal", type: "null", value: null },
            { node: "bytes", base64: "aGk=" },
            { node: "select", of: { node: "name", name: "args" }, field: "a", test: true },
            {
              node: "map",
              entries: [
                [
                  { node: "literal", type: "string", value: "k" },
                  { node: "list", items: [] },
                ],
              ],
            },
            {
              node: "fold",
              over: { node: "list", items: [] },
              item: "x",
              accumulator: "a",
              init: { node: "literal", type: "bool", value: true },
              condition: { node: "name", name: "a" },
              step: { node: "call", fn: "size", target: { node: "name", name: "x" }, args: [] },
              result: { node: "name", name: "a" },
            },
          ],
        },
      },
    ],
  ],
];

const REFUSED: readonly Refused[] = [
  ["an empty id", idSchema, "", ": must not be empty"],
  ["an id with a control character", idSchema, "a\u0000", ": must not contain control characters"],
  ["an id too long", idSchema, "x".repeat(257), ": must be at most 256 characters long"],
  [
    "a slug that starts with a dash",
    slugSchema,
    "-a",
    ": use letters, digits, `.`, `_` and `-`, starting with a letter or digit",
  ],
  [
    "a time without a zone",
    timestampSchema,
    "2026-01-31T09:00:00",
    ": must be a date and time in ISO 8601 with a zone, such as `2026-01-31T09:00:00Z`",
  ],
  [
    "metadata that is not text",
    actorSchema,
    { externalId: "u", metadata: { age: 3 } },
    "metadata.age: must be text, not `3`",
  ],
  ["an actor without an id", actorSchema, { name: "Ann" }, "externalId: is required; give text"],
  [
    "a group in a group",
    actorSchema,
    { externalId: "u", group: { externalId: "g", group: {} } },
    "group.group: unknown field; the fields here are `externalId`, `name`, `metadata`",
  ],
  [
    "an agent field that does not exist",
    agentSchema,
    { slug: "a", tag: ["x"] },
    "tag: unknown field; did you mean `tags`?",
  ],
  [
    "a classification that does not exist",
    toolSchema,
    { name: "t", classification: "secret" },
    "classification: must be one of `public`, `internal`, `confidential`, `restricted`, not `secret`",
  ],
  ["a tool without a name", toolSchema, {}, "name: is required; give text"],
  [
    "a role that does not exist",
    messageSchema,
    { role: "human", content: "" },
    "role: must be one of `system`, `user`, `assistant`, `tool`, not `human`",
  ],
  [
    "a part that does not exist",
    messageSchema,
    { role: "user", content: [{ type: "image" }] },
    "content[0].type: must be one of `text`, `reasoning`, `tool-call`, `tool-result`, `file`, not `image`",
  ],
  [
    "a metric that is not a number",
    metricsSchema,
    { a: "1" },
    "a: must be a number, not the text `1`; write it without quotes",
  ],
  [
    "a metric name in capitals",
    metricsSchema,
    { Cost: 1 },
    "Cost: has a name that cannot be used: use lower-case letters, digits and `_`, starting with a letter",
  ],
  [
    "a verdict in lower case",
    decisionSchema,
    { ...DECISION, verdict: "block" },
    "verdict: must be one of `ALLOW`, `BLOCK`, not `block`; did you mean `BLOCK`?",
  ],
  [
    "a cause that does not exist",
    decisionSchema,
    { ...DECISION, cause: { kind: "LOCKDWN" } },
    "cause.kind: must be one of `ALLOW`, `RULE_VIOLATION`, `HITL_PENDING`, `HITL_DENIED`, `HITL_APPROVED`, `LOCKDOWN`, `BUDGET_EXHAUSTED`, `UNAVAILABLE`, `RUN_ENDED`, not `LOCKDWN`; did you mean `LOCKDOWN`?",
  ],
  [
    "a planned redaction without its rule",
    plannedRedactionSchema,
    { paths: ["a"], policyId: "p" },
    "ruleId: is required; give text",
  ],
  [
    "a fingerprint in capitals",
    approvalRequestSchema,
    { ...REQUEST, fingerprint: "A".repeat(64) },
    "fingerprint: invalid string: must match pattern /^[0-9a-f]{64}$/",
  ],
  [
    "an answer that is no answer",
    approvalAnswerSchema,
    { status: "pending" },
    "status: must be one of `approved`, `denied`, not `pending`",
  ],
  [
    "a lockdown of nothing",
    lockdownSchema,
    { lockdownId: "l", scope: { kind: "agent" } },
    "scope.slug: is required; give text",
  ],
  [
    "a lease below zero",
    leaseSchema,
    { leaseId: "l", key: KEY, granted: -1, ttlMs: 0, remaining: 0 },
    "granted: must be at least 0",
  ],
  [
    "a request for less than nothing",
    leaseOperationSchema,
    { op: "request", leaseId: "l", key: KEY, amount: -1 },
    "amount: must be at least 0",
  ],
  [
    "another version of a tree",
    exprTreeSchema,
    { version: 2, root: { node: "name", name: "a" } },
    "version: must be `1`, not `2`",
  ],
  [
    "a node that does not exist",
    exprTreeSchema,
    { version: 1, root: { node: "lambda" } },
    "root.node: must be one of `literal`, `bytes`, `name`, `select`, `list`, `map`, `call`, `fold`, not `lambda`",
  ],
];

describe("schemas of what crosses a boundary", () => {
  it.each(ACCEPTED)("%s: takes its documented forms, unchanged", expectAccepted);

  it.each(REFUSED)("refuses %s", expectRefused);
});
