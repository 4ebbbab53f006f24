import { HandlebarError } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { compile } from "./compile.ts";
import { createRunState, restoreRunState, snapshotRunState } from "./create-run-state.ts";
import { decide } from "./decide.ts";
import { factsOf, NOON_MS, policyOf, ruleOf } from "./facts.fixture.ts";
import { noteCall, noteResult } from "./note.ts";

const set = compile([
  policyOf([
    ruleOf({ id: "count", when: { kind: "maxCalls", scope: "run", max: 2 } }),
    ruleOf({ id: "rate", when: { kind: "maxCalls", scope: "run", max: 2, windowSeconds: 60 } }),
    ruleOf({
      id: "cost",
      when: { kind: "metricWindow", scope: "run", metric: "cost", aggregate: "sum", op: "gt", value: 5, estimate: 3 },
    }),
    ruleOf({ id: "order", when: { kind: "sequence", called: [{ name: "send_email", outcome: "error" }] } }),
    ruleOf({ id: "tags", when: { kind: "sequence", called: [{ tagsAny: ["email"], withinSeconds: 5 }] } }),
  ]),
]);

/** What each rule says of the next call. */
const outcomes = (state: ReturnType<typeof createRunState>): unknown =>
  decide(set, factsOf({ run: { state }, nowMs: NOON_MS + 1000, call: { callId: "next" } })).evaluatedRules.map(
    ({ ruleId, outcome }) => [ruleId, outcome],
  );

describe("a snapshot of a run's state", () => {
  it("goes on where the run was, through JSON", () => {
    const state = createRunState();
    for (const callId of ["a", "b"]) noteCall(set, factsOf({ run: { state }, call: { callId } }), { verdict: "ALLOW" });
    const ended = factsOf({ phase: "tool.after", run: { state }, call: { callId: "a", error: { message: "x" } } });
    noteResult(set, ended);
    const snapshot = snapshotRunState(state);
    const restored = restoreRunState(JSON.parse(JSON.stringify(snapshot)));
    expect(outcomes(restored)).toEqual(outcomes(state));
    expect(outcomes(restored)).toEqual([
      ["cost", "true"],
      ["count", "true"],
      ["order", "true"],
      ["rate", "true"],
      ["tags", "true"],
    ]);
    expect(snapshotRunState(restored)).toEqual(snapshot);
    noteResult(
      set,
      factsOf({ phase: "tool.after", run: { state: restored }, call: { callId: "b" }, metrics: { cost: 0 } }),
    );
    expect(outcomes(restored)).toEqual([
      ["cost", "true"],
      ["count", "true"],
      ["order", "true"],
      ["rate", "true"],
      ["tags", "true"],
    ]);
  });

  it("is refused when it is none", () => {
    const good = snapshotRunState(createRunState());
    const bad: unknown[] = [
      undefined,
      null,
      [],
      "x",
      {},
      { ...good, version: 2 },
      { ...good, history: {} },
      { ...good, history: { tools: [{ name: "x" }], pending: [] } },
      { ...good, history: { tools: [], pending: [["a", 0, 1]] } },
      { ...good, history: { tools: [], pending: [], lostAtMs: "x" } },
      { ...good, windows: { windows: [{}] } },
    ];
    for (const snapshot of bad) {
      let code: string | undefined;
      try {
        restoreRunState(snapshot);
      } catch (error) {
        code = HandlebarError.is(error) ? error.code : String(error);
      }
      expect(code).toBe("HB_STATE_SNAPSHOT_INVALID");
    }
  });
});
