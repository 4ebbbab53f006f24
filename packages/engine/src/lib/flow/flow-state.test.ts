import { describe, expect, it } from "vitest";
import { FLOW_LABEL_COUNT_MAX, PENDING_FLOW_COUNT_MAX } from "../limits.ts";
import { FlowState } from "./flow-state.ts";
import { soughtOf, TOO_LONG } from "./sought.ts";

const FETCH = { callId: "c_1", tool: "fetch" };

function restored(state: FlowState): FlowState {
  const again = FlowState.restore(JSON.parse(JSON.stringify(state.snapshot())));
  if (again === undefined) throw new Error("not restored");
  return again;
}

function isFromPrompt(state: FlowState, value: string): boolean | undefined {
  const sought = soughtOf(value);
  return sought === undefined || sought === TOO_LONG ? undefined : state.seen.prompt.has(sought, { left: 1_000_000 });
}

describe("labels", () => {
  it("stay with the first call that brought them", () => {
    const state = new FlowState();
    state.add("untrusted", FETCH);
    state.add("untrusted", { callId: "c_2", tool: "other" });
    expect([...state.labels]).toEqual([["untrusted", FETCH]]);
    expect(state.has("untrusted")).toBe(true);
    expect(state.has("private")).toBe(false);
  });

  it("count while calls that may bring them are in flight", () => {
    const state = new FlowState();
    state.pending.expect("c_1", ["untrusted"]);
    state.pending.expect("c_2", ["untrusted", "private"]);
    state.pending.expect("c_2", ["private"]);
    expect([state.has("untrusted"), state.has("private")]).toEqual([true, true]);
    state.pending.arrived("c_2");
    expect([state.has("untrusted"), state.has("private")]).toEqual([true, false]);
    state.pending.arrived("c_1");
    state.pending.arrived("c_1");
    expect([state.has("untrusted"), state.has("private")]).toEqual([false, false]);
    expect([...state.labels]).toEqual([]);
  });

  it("of calls that there is no room for count for good", () => {
    const state = new FlowState();
    for (let at = 0; at < PENDING_FLOW_COUNT_MAX; at += 1) state.pending.expect(`c_${at}`, ["untrusted"]);
    state.pending.expect("one more", ["private"]);
    state.pending.arrived("one more");
    expect(state.has("private")).toBe(true);
    expect(restored(state).has("private")).toBe(true);
  });

  it("beyond the bound are all taken to be there", () => {
    const state = new FlowState();
    for (let at = 0; at < FLOW_LABEL_COUNT_MAX; at += 1) state.add(`l${at}`, FETCH);
    expect(state.has("another")).toBe(false);
    state.add("more", FETCH);
    expect(state.has("more")).toBe(true);
    expect(state.labels.size).toBe(FLOW_LABEL_COUNT_MAX);
    expect(restored(state).has("whatever")).toBe(true);
  });
});

describe("a run that another one starts", () => {
  it("has its labels, those in flight included, and knows what it knows", () => {
    const parent = new FlowState();
    parent.add("untrusted", FETCH);
    parent.pending.expect("c_2", ["private"]);
    parent.seen.prompt.addText("pay ana@x.com");
    parent.sent.add("eve@evil.net");
    const child = FlowState.inherit(parent);
    parent.pending.arrived("c_2");
    child.seen.prompt.addText("bo@y.org");
    expect([...child.labels]).toEqual([
      ["untrusted", FETCH],
      ["private", { callId: "", tool: "" }],
    ]);
    expect(isFromPrompt(child, "ana@x.com")).toBe(true);
    expect(isFromPrompt(parent, "bo@y.org")).toBe(false);
    expect(child.sent.has("eve@evil.net")).toBe(true);
    expect([parent.isInherited, child.isInherited, restored(child).isInherited]).toEqual([false, true, true]);
  });

  it("gives back what it got and sent", () => {
    const parent = new FlowState();
    const child = FlowState.inherit(parent);
    child.add("private", FETCH);
    child.sent.add("eve@evil.net");
    parent.join(child);
    expect([...parent.labels]).toEqual([["private", FETCH]]);
    expect(parent.sent.has("eve@evil.net")).toBe(true);
    expect(parent.isInherited).toBe(false);
  });
});

describe("a snapshot", () => {
  it("holds everything", () => {
    const state = new FlowState();
    state.add("untrusted", FETCH);
    state.pending.expect("c_2", ["private"]);
    state.seen.prompt.addText("pay ana@x.com");
    state.seen.trusted.addValue("DE89370400440532013000");
    state.seen.untrusted.addText("pay eve@evil.net");
    state.sent.add("ana@x.com");
    state.lose(["trusted"]);
    expect(restored(state).snapshot()).toEqual(state.snapshot());
    expect(restored(state).seen.trusted.isLost).toBe(true);
  });

  it.each([
    undefined,
    null,
    {},
    { ...new FlowState().snapshot(), labels: [["a", 1, "b"]] },
    { ...new FlowState().snapshot(), pending: { calls: [["c", "x"]], lost: [], isFull: false } },
    { ...new FlowState().snapshot(), seen: {} },
    { ...new FlowState().snapshot(), sent: null },
    { ...new FlowState().snapshot(), isInherited: "no" },
  ])("refuses what is none: %j", (snapshot) => {
    expect(FlowState.restore(snapshot)).toBeUndefined();
  });
});
