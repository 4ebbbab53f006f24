import { compile } from "@handlebar/engine";
import { describe, expect, it } from "vitest";
import { importLegacyPolicies } from "./import-legacy.ts";
import { printPolicies } from "./print-policies.ts";
import { parsePolicies } from "./read-policies.ts";

interface LegacyRule {
  readonly name?: string;
  readonly condition?: unknown;
  readonly selector?: unknown;
  readonly [field: string]: unknown;
}

function importRules(rules: readonly LegacyRule[], policy: object = {}) {
  const whole = rules.map((rule, at) => ({
    enabled: true,
    priority: 0,
    name: `r${at}`,
    selector: { phase: "tool.before", tool: { name: "send" } },
    effect: { type: "block", reason: "no" },
    ...rule,
  }));
  const head = { name: "p", mode: "enforce", combine: "most_severe_wins", agentSelector: {}, ...policy };
  return importLegacyPolicies({ policy: head, rules: whole });
}

function conditionOf(condition: unknown) {
  const { policies, notes } = importRules([{ condition }]);
  return { when: policies[0]?.rules[0]?.when, notes: notes.map(({ kind, message }) => `${kind}: ${message}`) };
}

describe("policies of the first format", () => {
  it("keep their agents, mode, rules, phases, priorities and reasons", () => {
    const { policies, notes } = importRules(
      [
        {
          name: "one",
          id: "0190-one",
          priority: 90,
          enabled: false,
          selector: { phase: "tool.after", tool: { name: ["a*", "b"], tagsAny: ["write"], tagsAll: [] } },
          condition: { kind: "and", all: [] },
          effect: { type: "hitl", reason: "ask" },
          onMissing: "allow",
        },
        { name: "two", selector: { phase: "tool.before" }, effect: { type: "allow", reason: "" } },
        { name: "two", selector: { phase: "tool.before" } },
      ],
      {
        name: "Support guardrails",
        description: "what it is for",
        mode: "shadow",
        enabled: false,
        agentSelector: { anyOfSlugs: ["support"], anyOfTags: [] },
        onMissingDefault: "block",
      },
    );
    expect(notes).toEqual([]);
    expect(policies).toEqual([
      {
        name: "Support guardrails",
        description: "what it is for",
        mode: "shadow",
        enabled: false,
        agents: { anyOfSlugs: ["support"] },
        rules: [
          {
            id: "0190-one",
            name: "one",
            priority: 90,
            enabled: false,
            on: "tool.after",
            tool: { name: ["a*", "b"], tagsAny: ["write"] },
            effect: { type: "hitl", reason: "ask" },
            onUnavailable: "skip",
          },
          { name: "two", on: "tool.before", effect: { type: "allow" }, onUnavailable: "match" },
          { name: "two (2)", on: "tool.before", effect: { type: "block", reason: "no" }, onUnavailable: "match" },
        ],
      },
    ]);
    expect(() => compile(policies)).not.toThrow();
    expect(parsePolicies(printPolicies(policies))).toEqual(policies);
  });

  it.each([
    [
      { kind: "toolName", op: "in", value: ["Send", "re*"] },
      { kind: "toolName", op: "glob", value: ["Send", "re*"], ignoreCase: true },
    ],
    [
      { kind: "toolName", op: "startsWith", value: "x" },
      { kind: "toolName", op: "startsWith", value: "x", ignoreCase: true },
    ],
    [
      { kind: "toolTag", op: "has", tag: "pii" },
      { kind: "toolTag", anyOf: ["pii"] },
    ],
    [
      { kind: "toolTag", op: "allOf", tags: ["a", "b"] },
      { kind: "toolTag", allOf: ["a", "b"] },
    ],
    [
      { kind: "toolArg", type: "number", op: "gte", path: "amount", value: 200 },
      { kind: "toolArg", type: "number", op: "gte", path: "amount", value: 200 },
    ],
    [
      { kind: "toolArg", type: "boolean", op: "eq", path: "dry", value: false },
      { kind: "toolArg", type: "boolean", op: "eq", path: "dry", value: false },
    ],
    [
      { kind: "toolArg", type: "string", op: "in", path: "role", value: ["admin", "root"] },
      { kind: "toolArg", type: "string", op: "in", path: "role", value: ["admin", "root"] },
    ],
    [
      { kind: "enduserTag", op: "has", tag: "is_admin" },
      { kind: "actor", path: "metadata.is_admin", op: "longerThan", value: 0 },
    ],
    [
      { kind: "enduserTag", op: "hasValueAny", tag: "plan.name", values: ["free"] },
      { kind: "actor", path: 'metadata["plan.name"]', op: "in", value: ["free"] },
    ],
    [
      { kind: "maxCalls", selector: { by: "toolTag", tags: ["x"] }, max: 3 },
      { kind: "maxCalls", scope: "run", max: 3, tool: { tagsAny: ["x"] } },
    ],
    // It held while a tool that must have been called was not.
    [
      { kind: "sequence", mustHaveCalled: ["verify"] },
      { kind: "sequence", notCalled: [{ name: "verify" }] },
    ],
    [
      { kind: "sequence", mustHaveCalled: ["a"], mustNotHaveCalled: ["b", "c"] },
      {
        kind: "or",
        any: [
          { kind: "sequence", notCalled: [{ name: "a" }] },
          { kind: "sequence", called: [{ name: "b" }] },
          { kind: "sequence", called: [{ name: "c" }] },
        ],
      },
    ],
    [
      { kind: "executionTime", scope: "tool", op: "gt", ms: 500 },
      { kind: "executionTime", scope: "call", op: "gt", valueMs: 500 },
    ],
    [
      {
        kind: "metricWindow",
        scope: "agent_user",
        metric: { kind: "inbuilt", key: "bytes_out" },
        aggregate: "sum",
        windowSeconds: 60,
        filter: { toolName: "send" },
        op: "eq",
        value: 5,
      },
      {
        kind: "and",
        all: (["gte", "lte"] as const).map((op) => ({
          kind: "metricWindow",
          scope: "agentActor",
          metric: "bytes_out",
          aggregate: "sum",
          windowSeconds: 60,
          op,
          value: 5,
          tool: { name: ["send"] },
        })),
      },
    ],
    // The last minute was inside.
    [
      {
        kind: "timeGate",
        timezone: { source: "enduserTag", tag: "tz" },
        windows: [
          { days: ["mon", "fri"], start: "09:00", end: "17:59" },
          { days: ["sat"], start: "10:00", end: "23:59" },
          { days: ["sun"], start: "22:00", end: "02:00" },
        ],
      },
      {
        kind: "timeGate",
        timezone: { actor: "metadata.tz" },
        windows: [
          { days: ["mon", "fri"], start: "09:00", end: "18:00" },
          { days: ["sat"], start: "10:00", end: "24:00" },
        ],
      },
    ],
    [
      { kind: "requireSubject", subjectType: "patient", idSystem: "ehr" },
      { kind: "subject", subjectType: "patient", idSystem: "ehr", op: "exists" },
    ],
    [
      { kind: "signal", key: "risk", args: {}, op: "nin", value: [1, 2] },
      { kind: "signal", signal: "risk", type: "number", op: "notIn", value: [1, 2] },
    ],
    [
      {
        kind: "sensitiveData",
        target: "toolArg",
        op: "allOf",
        path: "body",
        detectors: [{ detector: "credit_card" }, { detector: "secret_key" }],
      },
      {
        kind: "and",
        all: [
          { kind: "sensitiveData", in: "args", path: "body", detectors: ["payment_card"] },
          { kind: "sensitiveData", in: "args", path: "body", detectors: ["api_key", "access_token"] },
        ],
      },
    ],
    [
      { kind: "custom", name: "mine", args: { a: 1 } },
      { kind: "custom", name: "mine", args: { a: 1 } },
    ],
    [
      {
        kind: "and",
        all: [
          { kind: "not", not: { kind: "or", any: [] } },
          { kind: "toolTag", op: "has", tag: "a" },
        ],
      },
      { kind: "toolTag", anyOf: ["a"] },
    ],
  ])("say %j as %j", (condition, expected) => {
    expect(conditionOf(condition)).toEqual({ when: expected, notes: [] });
  });

  it.each([
    [{ kind: "or", any: [] }, "its condition never holds"],
    [{ kind: "wish" }, "there is no condition `wish`"],
    [{ kind: "toolArg", type: "number", op: "contains", path: "a", value: 1 }, "has no operator `contains`"],
    [
      {
        kind: "sensitiveData",
        target: "toolArg",
        op: "anyOf",
        detectors: [{ detector: "url", subCondition: { check: "domain", op: "eq", value: "x" } }],
      },
      "`subCondition` has no counterpart",
    ],
    [{ kind: "signal", key: "s", args: {}, op: "gt", value: "text" }, "does not take this value"],
    [{ kind: "maxCalls", selector: { by: "toolName", patterns: ["x"] }, max: -1 }, "max"],
  ])("leave out a rule that cannot be said, and say so: %j", (condition, why) => {
    const { policies, notes } = importRules([{ condition }, { name: "kept" }]);
    expect(policies[0]?.rules.map(({ name }) => name)).toEqual(["kept"]);
    expect(notes).toEqual([{ policy: "p", rule: "r0", kind: "left-out", message: expect.stringContaining(why) }]);
  });

  it.each([
    [
      { condition: { kind: "executionTime", scope: "total", op: "gt", ms: 1 }, selector: { phase: "tool.after" } },
      "since the run started",
    ],
    [
      { condition: { kind: "signal", key: "s", args: { v: { from: "toolName" } }, op: "eq", value: true } },
      "gets the whole call",
    ],
    [{ selector: { phase: "tool.before", tool: { name: "what?" } } }, "any character"],
    [{ condition: { kind: "toolArg", type: "string", op: "in", path: "a", value: "admin" } }, "any part of it"],
  ])("note what means something else now: %j", (rule, why) => {
    const { policies, notes } = importRules([rule]);
    expect(policies[0]?.rules.length).toBe(1);
    expect(notes).toEqual([{ policy: "p", rule: "r0", kind: "changed", message: expect.stringContaining(why) }]);
  });

  it.each([[{}], [[]], [{ policy: { name: "p" } }], [{ policy: {}, rules: [] }], ["text"]])(
    "are refused when they have another form: %j",
    (value) => {
      const all = Array.isArray(value) && value.length === 0 ? [[]] : value;
      expect(() => importLegacyPolicies(all)).toThrow(/HB_POLICY_INVALID: \[0\]: .*first API/);
    },
  );
});
