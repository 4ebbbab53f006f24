import type { ToolFacts } from "@handlebar/engine";
import type { Actor, JsonValue, Lockdown, Message, Policy, Subject } from "@handlebar/protocol";
import fc from "fast-check";
import { policiesArbitrary } from "./policy-arbitraries.ts";
import {
  AGENT_TAGS,
  CUSTOMS,
  defined,
  METRICS,
  optional,
  REFS,
  SIGNALS,
  SLUGS,
  some,
  TOOLS,
  WORDS,
  ZONES,
} from "./vocabulary.ts";

/** What the host's functions answer during one step; `null` is a function that failed. */
export interface ScenarioHost {
  readonly subjects?: readonly Subject[] | null | undefined;
  readonly signals: Readonly<Record<string, JsonValue | undefined>>;
  readonly failingSignals: readonly string[];
  readonly customs: Readonly<Record<string, boolean | undefined>>;
  /** Readings of windows beyond the run, by turns; `null` cannot be read. */
  readonly shared: readonly ({ readonly value: number | null; readonly resetAtMs?: number | undefined } | null)[];
  readonly lockdowns: readonly Lockdown[];
  readonly approval?:
    | {
        readonly approvalId: string;
        readonly status: "pending" | "approved" | "denied";
        readonly by?: string | undefined;
        readonly instead?: JsonValue | undefined;
      }
    | undefined;
}

/** Something that happens in a run: time passes, the user speaks, a tool or a model is called. */
export type ScenarioStep = {
  readonly waitMs: number;
  readonly host: ScenarioHost;
  readonly metrics?: Readonly<Record<string, number>> | undefined;
  readonly tookMs?: number | undefined;
} & (
  | { readonly kind: "prompt"; readonly text: string }
  | {
      readonly kind: "tool";
      readonly tool: ToolFacts;
      readonly args: JsonValue;
      /** Absent: the call does not end within the scenario. */
      readonly end?: { readonly result: JsonValue } | { readonly error: string } | undefined;
    }
  | {
      readonly kind: "llm";
      readonly messages: readonly Message[];
      readonly response?: Message | undefined;
      readonly ends: boolean;
    }
);

/** Policies and a run in which they are asked. */
export interface Scenario {
  readonly policies: readonly Policy[];
  readonly agent: { readonly slug: string; readonly tags: readonly string[] };
  readonly actor?: Actor | undefined;
  readonly sessionId?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly context: JsonValue;
  readonly startedAtMs: number;
  readonly status: "open" | "ended" | "terminated";
  readonly failClosed: boolean;
  readonly enforceMode: "enforce" | "shadow";
  readonly steps: readonly ScenarioStep[];
}

const word = fc.constantFrom(...WORDS);
const scalar: fc.Arbitrary<JsonValue> = fc.oneof(
  word,
  fc.constantFrom<JsonValue>(-1, 0, 5, 6, 10, 900, true, false, null),
);
const ref: fc.Arbitrary<JsonValue> = fc.oneof(
  { arbitrary: fc.constantFrom<JsonValue>(...REFS), weight: 5 },
  { arbitrary: fc.constantFrom<JsonValue>(null, true, ""), weight: 1 },
);
const record: fc.Arbitrary<JsonValue> = defined(
  fc.record({
    amount: optional(scalar, 1),
    to: optional(fc.oneof(scalar, fc.record({ x: scalar })), 1),
    tags: optional(fc.oneof(fc.array(scalar, { maxLength: 3 }), scalar)),
    items: optional(fc.array(fc.oneof(fc.record({ price: scalar }), fc.constant({}), scalar), { maxLength: 3 })),
    nested: optional(
      fc.oneof(
        defined(fc.record({ deep: optional(scalar, 1), other: optional(fc.array(scalar, { maxLength: 2 })) })),
        scalar,
      ),
    ),
    ref: optional(ref, 1),
    refs: optional(fc.array(ref, { maxLength: 2 })),
  }),
) as fc.Arbitrary<JsonValue>;
const args = fc.oneof(
  { arbitrary: record, weight: 12 },
  { arbitrary: fc.constantFrom<JsonValue>({}, [], "alpha", null), weight: 1 },
);
const result: fc.Arbitrary<JsonValue> = fc.oneof(
  {
    arbitrary: fc
      .tuple(record, optional(fc.boolean(), 1))
      .map(([value, ok]) => ({ ...(value as object), ...(ok === undefined ? {} : { ok }) })),
    weight: 8,
  },
  { arbitrary: fc.constantFrom<JsonValue>(null, 5, "alpha", []), weight: 1 },
);
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ role: fc.constantFrom("user", "assistant", "system"), content: word }),
  fc.record({
    role: fc.constant("assistant"),
    content: fc.array(fc.record({ type: fc.constant("text"), text: word }), { maxLength: 2 }),
  }),
) as fc.Arbitrary<Message>;

const lockdown: fc.Arbitrary<Lockdown> = defined(
  fc.record({
    lockdownId: fc.constantFrom("l1", "l2", "l3"),
    scope: fc.constantFrom<Lockdown["scope"]>(
      { kind: "workspace" },
      { kind: "agent", slug: "billing" },
      { kind: "actor", externalId: "u_1" },
      { kind: "session", sessionId: "s_1" },
      { kind: "tool", name: "pay" },
      { kind: "tool", name: "wipe" },
    ),
    until: optional(fc.constantFrom("2026-01-05T12:00:00Z", "2030-01-01T00:00:00Z"), 1),
  }),
) as fc.Arbitrary<Lockdown>;

const host: fc.Arbitrary<ScenarioHost> = defined(
  fc.record({
    subjects: optional(
      fc.oneof(
        fc.constant(null),
        fc.array(
          defined(
            fc.record({
              subjectType: fc.constantFrom("patient", "account"),
              value: fc.constantFrom("u_1", "alpha", "x1"),
              role: optional(fc.constantFrom("recipient", "sender"), 1),
            }),
          ),
          { maxLength: 2 },
        ),
      ),
      1,
    ),
    signals: fc.dictionary(fc.constantFrom(...SIGNALS), fc.oneof(scalar, fc.array(scalar, { maxLength: 2 })), {
      maxKeys: 2,
      noNullPrototype: true,
    }),
    failingSignals: fc.oneof({ arbitrary: fc.constant([]), weight: 4 }, { arbitrary: some(SIGNALS, 1), weight: 1 }),
    customs: fc.dictionary(fc.constantFrom(...CUSTOMS), fc.boolean(), { maxKeys: 2, noNullPrototype: true }),
    shared: fc.array(
      fc.oneof(
        fc.constant(null),
        defined(
          fc.record({
            value: fc.constantFrom(null, 0, 1, 4, 10),
            resetAtMs: optional(fc.constant(1_767_700_000_000), 1),
          }),
        ),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    lockdowns: fc.oneof(
      { arbitrary: fc.constant([]), weight: 20 },
      { arbitrary: fc.array(lockdown, { minLength: 1, maxLength: 3 }), weight: 1 },
    ),
    approval: optional(
      defined(
        fc.record({
          approvalId: fc.constant("a1"),
          status: fc.constantFrom("pending", "approved", "denied"),
          by: optional(fc.constant("boss"), 1),
          instead: optional(fc.constant({ amount: 3 }), 1),
        }),
      ),
    ),
  }),
) as fc.Arbitrary<ScenarioHost>;

const metrics = fc.dictionary(fc.constantFrom(...METRICS, "duration_ms"), fc.constantFrom(0, 1, 4, 250), {
  maxKeys: 3,
  noNullPrototype: true,
});
const about = {
  waitMs: fc.constantFrom(0, 400, 1_000, 31_000),
  host,
  metrics: optional(metrics, 1),
  tookMs: optional(fc.constantFrom(0, 50, 2_000), 1),
};
const step = fc.oneof(
  {
    arbitrary: defined(
      fc.record({
        kind: fc.constant("prompt"),
        text: fc.constantFrom(...REFS).map((one) => `please use ${one} today`),
        ...about,
      }),
    ),
    weight: 1,
  },
  {
    arbitrary: defined(
      fc.record({
        kind: fc.constant("tool"),
        tool: fc.constantFrom(...TOOLS),
        args,
        end: fc.oneof(
          { arbitrary: fc.constant(undefined), weight: 1 },
          { arbitrary: fc.record({ result }), weight: 6 },
          { arbitrary: fc.constant({ error: "boom" }), weight: 1 },
        ),
        ...about,
      }),
    ),
    weight: 10,
  },
  {
    arbitrary: defined(
      fc.record({
        kind: fc.constant("llm"),
        messages: fc.array(message, { maxLength: 2 }),
        response: optional(message, 1),
        ends: fc.boolean(),
        ...about,
      }),
    ),
    weight: 3,
  },
);

const party = {
  externalId: fc.constantFrom("u_1", "u_2"),
  name: optional(word),
  metadata: optional(
    defined(
      fc.record({
        tier: optional(fc.constantFrom("gold", "Beta"), 1),
        zone: optional(fc.constantFrom(...ZONES, "Nowhere/None"), 1),
      }),
    ),
    1,
  ),
};
const actor = defined(
  fc.record({
    ...party,
    group: optional(fc.constantFrom({ externalId: "g_1", metadata: { plan: "gold" } }, { externalId: "x1" })),
  }),
);

/** Policies and a run of `stepCount` steps in which they are asked; tool and model calls are asked before and, where they end, after. */
export function scenarioArbitrary(options: { readonly stepCount: number }): fc.Arbitrary<Scenario> {
  const { stepCount } = options;
  return defined(
    fc.record({
      policies: policiesArbitrary,
      agent: fc.record({ slug: fc.constantFrom(...SLUGS), tags: fc.subarray([...AGENT_TAGS]) }),
      actor: optional(actor, 1),
      sessionId: optional(fc.constant("s_1"), 1),
      tags: fc.constantFrom({}, { env: "alpha" }, { env: "Beta" }),
      context: record,
      startedAtMs: fc.constantFrom(
        Date.UTC(2026, 0, 5, 11, 59),
        Date.UTC(2026, 2, 29, 0, 59, 30),
        Date.UTC(2026, 0, 10, 23, 30),
      ),
      status: fc.oneof(
        { arbitrary: fc.constant("open"), weight: 30 },
        { arbitrary: fc.constantFrom("ended", "terminated"), weight: 1 },
      ),
      failClosed: fc.boolean(),
      enforceMode: fc.oneof(
        { arbitrary: fc.constant("enforce"), weight: 4 },
        { arbitrary: fc.constant("shadow"), weight: 1 },
      ),
      steps: fc.array(step, { minLength: stepCount, maxLength: stepCount }),
    }),
  ) as fc.Arbitrary<Scenario>;
}
