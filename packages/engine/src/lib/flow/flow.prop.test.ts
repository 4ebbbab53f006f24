import type { Flow, JsonValue } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRunState, restoreRunState, snapshotRunState } from "../create-run-state.ts";
import type { CallFacts } from "../facts.ts";
import { argFrom, FlowRun, flowPolicy, originOf } from "./flow.fixture.ts";
import { inheritRunState, joinRunState, seedLabels } from "./session-labels.ts";

const VALUES = [
  "ana@x.com",
  "eve@evil.net",
  "GB29NWBK60161331926819",
  "Sarah Baker",
  "invoice-7.pdf",
  "98.70",
  "1200",
  "yes",
];
const TOOLS = ["records", "web", "notes"];
const FLOW: Flow = {
  sources: [
    { fields: ["freeText"], trust: "untrusted", add: ["untrusted"] },
    { tool: { name: "web" }, trust: "untrusted", add: ["web"] },
    { tool: { name: "records" }, trust: "trusted" },
    { tool: { name: "notes" }, fields: ["rows[].owner"], trust: "trusted", add: ["owned"] },
  ],
};

type Step =
  | { readonly kind: "prompt"; readonly text: string }
  | {
      readonly kind: "call";
      readonly tool: string;
      readonly args: JsonValue;
      readonly result: JsonValue;
      readonly isError: boolean;
    };

const value = fc.constantFrom(...VALUES);
const sentence = fc
  .array(fc.oneof(value, fc.constantFrom("pay", "to", "the", "and", "file")), { maxLength: 6 })
  .map((words) => words.join(" "));
const leaf: fc.Arbitrary<JsonValue> = fc.oneof(value, sentence, fc.constant(98.7), fc.constant(null));
const result: fc.Arbitrary<JsonValue> = fc.oneof(
  leaf,
  fc.record({ to: leaf, subject: leaf }, { requiredKeys: [] }),
  fc.record({ rows: fc.array(fc.record({ owner: leaf, notes: leaf, id: leaf }), { maxLength: 3 }) }),
  fc
    .record({ rows: fc.array(fc.record({ owner: leaf, body: leaf }), { maxLength: 3 }) })
    .map((record) => JSON.stringify(record)),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("prompt" as const), text: sentence }),
  fc.record({
    kind: fc.constant("call" as const),
    tool: fc.constantFrom(...TOOLS),
    args: fc.record({ to: leaf, text: leaf }, { requiredKeys: [] }) as fc.Arbitrary<JsonValue>,
    result,
    isError: fc.boolean(),
  }),
);
const steps = fc.array(step, { maxLength: 6 });

function take(run: FlowRun, one: Step): void {
  if (one.kind === "prompt") {
    run.prompt(one.text);
    return;
  }
  const call = run.begin(one.tool, one.args);
  run.end(call, one.isError ? { error: { message: JSON.stringify(one.result) } } : { result: one.result });
}

function runOf(list: readonly Step[]): FlowRun {
  const run = new FlowRun([flowPolicy(FLOW, argFrom(["untrusted", "unseen"]))]);
  for (const one of list) take(run, one);
  return run;
}

const RANKS: Readonly<Record<string, number>> = { prompt: 0, trusted: 1, untrusted: 2, unseen: 3 };

describe("origins", () => {
  it("become no less trusted when the prompt says more, wherever it says it", () => {
    fc.assert(
      fc.property(steps, sentence, fc.nat(), (list, text, place) => {
        const at = place % (list.length + 1);
        const more = [...list.slice(0, at), { kind: "prompt" as const, text }, ...list.slice(at)];
        const [before, after] = [runOf(list), runOf(more)];
        for (const one of VALUES) {
          expect(RANKS[originOf(after, one)] ?? 9).toBeLessThanOrEqual(RANKS[originOf(before, one)] ?? -1);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("are never from a place that did not name the value", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const run = runOf(list);
        const isNamed = (one: string, kinds: readonly Step[]): boolean =>
          kinds.some(
            (each) =>
              JSON.stringify(each).toLowerCase().includes(one.toLowerCase()) || /98\.7\b/.test(JSON.stringify(each)),
          );
        for (const one of VALUES) {
          const origin = originOf(run, one);
          if (origin === "prompt")
            expect(
              isNamed(
                one,
                list.filter((each) => each.kind === "prompt"),
              ),
            ).toBe(true);
          if (origin === "trusted") {
            expect(
              isNamed(
                one,
                list.filter((each) => each.kind === "call" && each.tool !== "web"),
              ),
            ).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it("that are forgotten never let a call through", () => {
    fc.assert(
      fc.property(steps, fc.subarray(["prompt", "trusted", "untrusted"] as const), (list, lost) => {
        const run = runOf(list);
        const before = VALUES.map((to) => run.ask({ to }));
        run.state.flow.lose(lost);
        const after = VALUES.map((to) => run.ask({ to }));
        for (const [at, outcome] of before.entries()) if (outcome === "true") expect(after[at]).not.toBe("false");
      }),
      { numRuns: 200 },
    );
  });

  it("and labels are the same after a snapshot", () => {
    fc.assert(
      fc.property(steps, steps, (first, second) => {
        const [run, paused] = [runOf(first), runOf(first)];
        paused.state = restoreRunState(JSON.parse(JSON.stringify(snapshotRunState(paused.state))));
        for (const one of second) {
          take(run, one);
          take(paused, one);
        }
        expect(paused.labels).toEqual(run.labels);
        expect(VALUES.map((one) => originOf(paused, one))).toEqual(VALUES.map((one) => originOf(run, one)));
      }),
      { numRuns: 100 },
    );
  });

  it("do not depend on the order of sources", () => {
    const order = fc.shuffledSubarray([...FLOW.sources], { minLength: FLOW.sources.length });
    fc.assert(
      fc.property(steps, order, (list, sources) => {
        const run = runOf(list);
        const other = new FlowRun([flowPolicy({ ...FLOW, sources }, argFrom(["untrusted", "unseen"]))]);
        for (const one of list) take(other, one);
        expect([...other.labels].sort()).toEqual([...run.labels].sort());
        expect(VALUES.map((one) => originOf(other, one))).toEqual(VALUES.map((one) => originOf(run, one)));
      }),
      { numRuns: 100 },
    );
  });
});

describe("labels", () => {
  it("only grow, whatever happens", () => {
    const event = fc.oneof(
      step.map((one) => (run: FlowRun) => take(run, one)),
      fc.constantFrom(...TOOLS).map((tool) => (run: FlowRun) => void run.begin(tool)),
      fc.constantFrom("x", "web").map((label) => (run: FlowRun) => seedLabels(run.state.flow, [label])),
      steps.map((list) => (run: FlowRun) => {
        const child = new FlowRun([flowPolicy(FLOW)], inheritRunState(createRunState(), run.state));
        for (const one of list) take(child, one);
        joinRunState(run.state, child.state);
        expect(run.labels).toEqual(expect.arrayContaining([...child.labels]));
      }),
      fc.constant((run: FlowRun) => {
        run.state = restoreRunState(JSON.parse(JSON.stringify(snapshotRunState(run.state))));
      }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const run = new FlowRun([flowPolicy(FLOW)]);
        for (const happen of events) {
          const before = run.labels;
          happen(run);
          expect(run.labels.slice(0, before.length)).toEqual(before);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("hostile values", () => {
  it("never make a note or a decision throw", () => {
    const throwing = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no");
        },
        get: () => {
          throw new Error("no");
        },
      },
    );
    // What reaches the engine is plain JSON; it holds out against more.
    const anything = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true }),
      fc.constant(throwing),
    ) as fc.Arbitrary<JsonValue>;
    fc.assert(
      fc.property(
        fc.array(fc.record({ args: anything, result: anything, message: fc.string() }), { maxLength: 4 }),
        (calls) => {
          const run = new FlowRun([flowPolicy(FLOW, argFrom(["untrusted", "unseen"], { paths: ["**", "to"] }))]);
          for (const { args, result: given, message } of calls) {
            for (const tool of TOOLS) {
              const call: CallFacts = run.begin(tool, args);
              run.end(call, { result: given, error: { message } });
              expect(typeof run.ask(args)).toBe("string");
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
