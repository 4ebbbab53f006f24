import type { Actor, Condition, Effect, JsonValue, Policy, Rule } from "@handlebar/protocol";
import fc from "fast-check";
import { createRunState } from "./create-run-state.ts";
import { NOON_MS } from "./facts.fixture.ts";
import { type Facts, UNKNOWN } from "./facts.ts";

const NAMES = ["a", "b", "send_email", "read_file"] as const;
const TAGS = ["external", "pii", "fs"] as const;
const name = fc.constantFrom(...NAMES);
const tags = fc.subarray([...TAGS]);
const someTags = fc.subarray([...TAGS], { minLength: 1 });
const key = fc.constantFrom("x", "y", "amount", "__proto__", "constructor");
const path = fc.constantFrom(
  "x",
  "y",
  "amount",
  "x.y",
  "[]",
  "x[]",
  "x[].y",
  "*",
  "**",
  "constructor.name",
  "__proto__.x",
);

const selector = fc.record(
  {
    name: fc.oneof(name, fc.constantFrom("*", "send_*", "?"), fc.array(name, { minLength: 1, maxLength: 2 })),
    tagsAny: someTags,
    tagsAll: someTags,
  },
  { requiredKeys: [] },
);

const text = fc.oneof(
  fc.record({
    op: fc.constantFrom("eq", "neq", "contains", "notContains", "startsWith", "endsWith"),
    value: fc.constantFrom("", "a", "free", "ab"),
  }),
  fc.record({ op: fc.constantFrom("in", "notIn"), value: fc.constant(["a", "free"]) }),
  fc.record({ op: fc.constant("glob"), value: fc.constantFrom("*a*", "?ree") }),
  fc.record({ op: fc.constant("matches"), value: fc.constantFrom("^a+$", "(a|b)*c") }),
  fc.record({ op: fc.constantFrom("longerThan", "shorterThan"), value: fc.nat(3) }),
);
const presence = fc.record({ op: fc.constantFrom("exists", "absent") });
const typed = fc.oneof(
  fc.record({
    type: fc.constant("number"),
    op: fc.constantFrom("eq", "neq", "gt", "gte", "lt", "lte"),
    value: fc.integer({ min: -2, max: 2 }),
  }),
  text.map((comparison) => ({ type: "string", ...comparison })),
  fc.record({ type: fc.constant("boolean"), op: fc.constantFrom("eq", "neq"), value: fc.boolean() }),
  presence.map((comparison) => ({ type: "any", ...comparison })),
);
const onMissing = fc.constantFrom({}, { onMissing: "match" }, { onMissing: "unknown" });
const window = fc.constantFrom(
  { scope: "run" },
  { scope: "run", windowSeconds: 60 },
  { scope: "actor", windowSeconds: 60 },
  { scope: "agent", windowSeconds: 60 },
);

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  fc.tuple(fc.oneof(text, presence)).map(([comparison]) => ({ kind: "toolName", ...comparison })),
  someTags.map((anyOf) => ({ kind: "toolTag", anyOf })),
  fc
    .tuple(path, typed, onMissing, fc.constantFrom({}, { quantifier: "all" }), fc.constantFrom({}, { in: "result" }))
    .map(([at, ...rest]) => Object.assign({ kind: "toolArg", path: at }, ...rest)),
  fc.tuple(path, typed, onMissing).map(([at, ...rest]) => Object.assign({ kind: "context", path: at }, ...rest)),
  fc
    .tuple(fc.oneof(text, presence), onMissing)
    .map((rest) => Object.assign({ kind: "actor", path: "metadata.tier" }, ...rest)),
  fc.tuple(window, fc.nat(3)).map(([over, max]) => ({ kind: "maxCalls", max, ...over })),
  fc
    .tuple(window, fc.constantFrom("sum", "avg", "max", "min", "count"), fc.constantFrom("gt", "lte"))
    .map(([over, aggregate, op]) => ({ kind: "metricWindow", metric: "cost", aggregate, op, value: 1, ...over })),
  fc.record({ kind: fc.constant("sequence"), called: fc.array(selector, { minLength: 1, maxLength: 2 }) }),
  fc.record({
    kind: fc.constant("executionTime"),
    scope: fc.constantFrom("run", "call"),
    op: fc.constant("gt"),
    valueMs: fc.nat(100_000),
  }),
  fc.constantFrom(
    {
      kind: "timeGate",
      windows: [{ days: ["wed"], start: "09:00", end: "17:00" }],
      timezone: { actor: "metadata.tz" },
    },
    { kind: "custom", name: "yes" },
    { kind: "custom", name: "unregistered" },
    { kind: "signal", signal: "risk", type: "number", op: "gt", value: 0 },
    { kind: "subject", subjectType: "patient", op: "exists" },
    { kind: "sensitiveData", detectors: ["email"] },
  ),
);

const condition = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map((all) => ({ kind: "and", all })),
    fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map((any) => ({ kind: "or", any })),
    tie("node").map((not) => ({ kind: "not", not })),
  ),
})).node as fc.Arbitrary<Condition>;

const control = fc.constantFrom({}, { control: "TERMINATE" as const });
const effectArb: fc.Arbitrary<Effect> = fc.oneof(
  fc.constant<Effect>({ type: "allow" }),
  fc.constant<Effect>({ type: "redact", redact: [{ detectors: ["email"] }] }),
  control.map((rest): Effect => ({ type: "hitl", ...rest })),
  control.map((rest): Effect => ({ type: "block", ...rest })),
);

const phase = fc.constantFrom("tool.before", "tool.after", "llm.before", "llm.after");

/** Rules without ids, which `policiesArb` gives. */
export const ruleArb: fc.Arbitrary<Rule> = fc.record(
  {
    name: fc.constant("rule"),
    on: fc.oneof(
      { weight: 3, arbitrary: fc.constant("tool.before") },
      { weight: 1, arbitrary: fc.uniqueArray(phase, { minLength: 1 }) },
    ),
    effect: effectArb,
    tool: selector,
    when: condition,
    enabled: fc.boolean(),
    priority: fc.integer({ min: -2, max: 2 }),
    onUnknown: fc.constantFrom("match", "skip"),
    onUnavailable: fc.constantFrom("match", "skip"),
  },
  { requiredKeys: ["name", "on", "effect"] },
) as fc.Arbitrary<Rule>;

const policyArb: fc.Arbitrary<Policy> = fc.record(
  {
    name: fc.constant("policy"),
    rules: fc.array(ruleArb, { maxLength: 4 }).map((rules) => rules.map((rule, at) => ({ ...rule, id: `r${at}` }))),
    enabled: fc.boolean(),
    mode: fc.constantFrom("enforce", "shadow"),
    agents: fc.constantFrom({ anyOfSlugs: ["support"] }, { anyOfTags: ["none"] }),
    default: fc.constantFrom("allow", "hitl", "block"),
  },
  { requiredKeys: ["name", "rules"] },
) as fc.Arbitrary<Policy>;

export const policiesArb: fc.Arbitrary<readonly Policy[]> = fc
  .array(policyArb, { maxLength: 3 })
  .map((policies) => policies.map((policy, at) => ({ ...policy, id: `p${at}` })));

const json: fc.Arbitrary<JsonValue> = fc.letrec<{ node: JsonValue }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<JsonValue>(null, true, 0, 1, 2, "", "a", "ab", "free", "ann@example.com", '{"x": {"y": 2}}'),
    fc.array(tie("node"), { maxLength: 3 }),
    fc.dictionary(key, tie("node"), { maxKeys: 3, noNullPrototype: true }) as fc.Arbitrary<JsonValue>,
  ),
})).node;

const actor: fc.Arbitrary<Actor | undefined> = fc.constantFrom(
  undefined,
  { externalId: "u", metadata: { tier: "free", tz: "UTC" } },
  { externalId: "u", metadata: { tier: "a", tz: "Nowhere/Land" } },
);

/** Facts of any phase, with some history. */
export const factsArb: fc.Arbitrary<Facts> = fc
  .record({
    phase: fc.oneof({ weight: 3, arbitrary: fc.constant("tool.before" as const) }, { weight: 1, arbitrary: phase }),
    actor,
    name,
    tags,
    args: json,
    result: json,
    context: json,
    argsExceeded: fc.boolean(),
    earlier: fc.array(name, { maxLength: 3 }),
    reading: fc.constantFrom(undefined, 0, 2, 9, null),
    signal: fc.constantFrom(1, "x", UNKNOWN, undefined),
    approval: fc.constantFrom(undefined, "pending", "approved", "denied"),
    failClosed: fc.boolean(),
    enforceMode: fc.constantFrom("enforce" as const, "enforce" as const, "shadow" as const),
    status: fc.constantFrom("open" as const, "open" as const, "open" as const, "ended" as const),
    locked: fc.nat(9).map((number) => number === 0),
  })
  .map((made) => {
    const state = createRunState();
    for (const [at, tool] of made.earlier.entries()) {
      state.history.note(`e${at}`, { name: tool, tags: [] }, NOON_MS - 1000);
    }
    const { reading, signal, approval } = made;
    const isLlm = made.phase.startsWith("llm.");
    const call = {
      callId: "c",
      tool: { name: made.name, tags: made.tags },
      args: made.args,
      argsExceeded: made.argsExceeded,
    };
    return {
      phase: made.phase as Facts["phase"],
      nowMs: NOON_MS,
      agent: { slug: "support", tags: ["eu"] },
      actor: made.actor,
      run: { runId: "r", startedAtMs: NOON_MS - 5000, status: made.status, tags: {}, context: made.context, state },
      ...(isLlm
        ? { llm: { callId: "l" } }
        : { call: made.phase === "tool.after" ? { ...call, result: made.result } : call }),
      ...(reading === undefined ? {} : { shared: { read: () => ({ value: reading }) } }),
      signals: new Map([["risk", signal]]),
      customs: new Map([["yes", true]]),
      lockdowns: made.locked ? [{ lockdownId: "l", scope: { kind: "workspace" as const } }] : [],
      ...(approval === undefined ? {} : { approval: { approvalId: "ap", status: approval as "pending" } }),
      failClosed: made.failClosed,
      enforceMode: made.enforceMode,
    };
  });
