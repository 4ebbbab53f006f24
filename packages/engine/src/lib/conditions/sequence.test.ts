import type { CallPattern, Condition } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { createRunState } from "../create-run-state.ts";
import { factsOf, NOON_MS, outcomeFor } from "../facts.fixture.ts";
import { HISTORY_PENDING_COUNT_MAX, HISTORY_TOOL_COUNT_MAX } from "../limits.ts";
import type { RunState } from "../run-state.ts";

const called = (...patterns: CallPattern[]): Condition => ({ kind: "sequence", called: patterns });
const notCalled = (...patterns: CallPattern[]): Condition => ({ kind: "sequence", notCalled: patterns });

/** A run in which tools were called so many seconds ago, and ended if they say how. */
function historyOf(
  calls: readonly {
    readonly name: string;
    readonly tags?: string[];
    readonly ago?: number;
    readonly end?: "success" | "error";
  }[],
): RunState {
  const state = createRunState();
  calls.forEach(({ name, tags = [], ago = 10, end }, at) => {
    const atMs = NOON_MS - ago * 1000;
    state.history.note(`h_${at}`, { name, tags }, atMs);
    if (end !== undefined) state.history.settle(`h_${at}`, { name, tags }, { outcome: end, atMs: NOON_MS });
  });
  return state;
}
const ask = (condition: Condition, state: RunState): string | undefined =>
  outcomeFor(condition, factsOf({ run: { state } }));

describe("sequence", () => {
  it("asks what was called before", () => {
    const state = historyOf([{ name: "login" }, { name: "read_file", tags: ["fs"] }]);
    expect(ask(called({ name: "login" }), state)).toBe("true");
    expect(ask(called({ name: "login" }, { tagsAny: ["fs"] }), state)).toBe("true");
    expect(ask(called({ name: "login" }, { name: "logout" }), state)).toBe("false");
    expect(ask(called({ name: "read_*", tagsAll: ["fs"] }), state)).toBe("true");
    expect(ask(called({ name: "login", tagsAll: ["fs"] }), state)).toBe("false");
    expect(ask(called({}), state)).toBe("true");
    expect(ask(called({}), createRunState())).toBe("false");
    expect(ask(notCalled({ name: "logout" }), state)).toBe("true");
    expect(ask(notCalled({ name: "logout" }, { name: "login" }), state)).toBe("false");
    expect(ask({ kind: "sequence", called: [{ name: "login" }], notCalled: [{ name: "logout" }] }, state)).toBe("true");
  });
  it("asks how a call ended", () => {
    const state = historyOf([{ name: "a", end: "error" }, { name: "b" }, { name: "c", end: "success" }]);
    const by = (name: string, outcome: "success" | "error"): string | undefined =>
      ask(called({ name, outcome }), state);
    expect([by("a", "error"), by("a", "success"), by("b", "success"), by("c", "success"), by("c", "error")]).toEqual([
      "true",
      "false",
      "false",
      "true",
      "false",
    ]);
  });
  it("asks how long ago a call was decided", () => {
    const state = historyOf([
      { name: "a", ago: 60, end: "success" },
      { name: "a", ago: 30, end: "error" },
    ]);
    const within = (withinSeconds: number, rest: object = {}): string | undefined =>
      ask(called({ name: "a", withinSeconds, ...rest }), state);
    expect([within(29), within(30), within(59, { outcome: "success" }), within(60, { outcome: "success" })]).toEqual([
      "false",
      "true",
      "false",
      "true",
    ]);
  });
  it("leaves this call itself aside", () => {
    const state = historyOf([{ name: "send_email" }]);
    const after = (callId: string): string | undefined =>
      outcomeFor(notCalled({ name: "send_email" }), factsOf({ phase: "tool.after", call: { callId }, run: { state } }));
    expect(after("h_0")).toBe("true");
    expect(after("other")).toBe("false");
    state.history.note("h_1", { name: "send_email", tags: [] }, NOON_MS);
    expect([after("h_0"), after("h_1")]).toEqual(["false", "false"]);
  });
  it("never forgets a tool, however many calls follow", () => {
    const state = historyOf([{ name: "first", end: "success" }]);
    for (let at = 0; at < 5_000; at += 1) {
      const tool = { name: "many", tags: [] };
      state.history.note(`m_${at}`, tool, NOON_MS);
      state.history.settle(`m_${at}`, tool, { outcome: "success", atMs: NOON_MS });
    }
    expect(ask(called({ name: "first", outcome: "success" }), state)).toBe("true");
    expect(ask(notCalled({ name: "second" }), state)).toBe("true");
  });
  it("does not know past the bound of different tools", () => {
    const state = historyOf(Array.from({ length: HISTORY_TOOL_COUNT_MAX + 1 }, (_, at) => ({ name: `t_${at}` })));
    expect(ask(called({ name: "t_0" }), state)).toBe("true");
    expect(ask(called({ name: `t_${HISTORY_TOOL_COUNT_MAX}` }), state)).toBe("unknown");
    expect(ask(notCalled({ name: "never" }), state)).toBe("unknown");
    expect(ask(called({ name: "never", withinSeconds: 5 }), state)).toBe("false");
  });
  it("does not know the outcome of calls that it no longer waits for", () => {
    const state = historyOf([{ name: "first" }]);
    for (let at = 0; at < HISTORY_PENDING_COUNT_MAX; at += 1)
      state.history.note(`p_${at}`, { name: "p", tags: [] }, NOON_MS);
    expect(ask(called({ name: "first" }), state)).toBe("true");
    expect(ask(called({ name: "first", outcome: "success" }), state)).toBe("unknown");
    expect(ask(called({ name: "p", outcome: "success" }), state)).toBe("false");
  });
});
