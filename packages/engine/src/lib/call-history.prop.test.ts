import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CallHistory, type CallQuestion } from "./call-history.ts";
import { FALSE, TRUE } from "./outcome.ts";

interface PastCall {
  readonly callId: string;
  readonly name: string;
  readonly atMs: number;
  outcome: "success" | "error" | undefined;
}

const past = fc.uniqueArray(
  fc.record({
    callId: fc.nat(99).map((number) => `c${number}`),
    name: fc.constantFrom("a", "b"),
    atMs: fc.integer({ min: 0, max: 20 }),
    outcome: fc.constantFrom<PastCall["outcome"]>("success", "error", undefined),
  }),
  { selector: (call) => call.callId, maxLength: 12 },
);
const question = fc.record({
  name: fc.constantFrom("a", "b", "c"),
  outcome: fc.constantFrom<CallQuestion["outcome"]>("success", "error", undefined),
  withinMs: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }),
  except: fc.option(fc.nat(11), { nil: undefined }),
});

describe("a history", () => {
  it("answers as a list of all calls would, whatever their order, also after a snapshot", () => {
    fc.assert(
      fc.property(past, fc.array(question, { minLength: 1, maxLength: 6 }), (calls, questions) => {
        const history = new CallHistory();
        for (const { callId, name, atMs } of calls) history.note(callId, { name, tags: [] }, atMs);
        for (const { callId, name, outcome } of calls) {
          if (outcome !== undefined) history.settle(callId, { name, tags: [] }, { outcome, atMs: 99 });
        }
        const restored = CallHistory.restore(JSON.parse(JSON.stringify(history.snapshot())));
        for (const { name, outcome, withinMs, except } of questions) {
          const exceptCallId = except === undefined ? undefined : calls[except]?.callId;
          const fits = (call: PastCall): boolean =>
            call.name === name &&
            call.callId !== exceptCallId &&
            (outcome === undefined || call.outcome === outcome) &&
            (withinMs === undefined || 20 - call.atMs <= withinMs);
          const asked: CallQuestion = { matches: (tool) => tool.name === name, outcome, withinMs };
          const expected = calls.some(fits) ? TRUE : FALSE;
          expect(history.wasCalled(asked, { nowMs: 20, exceptCallId })).toBe(expected);
          expect(restored?.wasCalled(asked, { nowMs: 20, exceptCallId })).toBe(expected);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
