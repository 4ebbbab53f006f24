import { EVENT_SCHEMA } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { readTrafficRow } from "./read-row.ts";
import { called, event } from "./replay.fixture.ts";

const ROW = { run_id: "r1", step: 2, tool: "pay", args: { amount: 9 }, result: "done", prompt: "pay 9" };

function deep(): unknown {
  let value: unknown = [];
  for (let level = 0; level < 100_000; level += 1) value = [value];
  return value;
}

describe("a plain row", () => {
  it("is a run, a prompt, a call and its result", () => {
    const at = { runId: "r1", atMs: undefined };
    const call = { callId: "row 4", tool: "pay", tags: [], isExceeded: false, isIncomplete: false };
    expect(readTrafficRow(ROW, 4)).toEqual({
      ok: true,
      steps: [
        { kind: "start", isImplied: true, ...at },
        { kind: "prompt", ...at, text: "pay 9" },
        { kind: "call", ...at, ...call, step: 2, args: { amount: 9 } },
        { kind: "result", ...at, ...call, result: "done" },
      ],
    });
  });

  it("has times, tags, actor, context and metrics where they are known", () => {
    const known = { ts: "2026-01-05T12:00:00Z", tags: ["external"], actor: "u1", agent: "support", session_id: "s1" };
    const reading = readTrafficRow({ ...ROW, ...known, context: { a: 1 }, metrics: { duration_ms: 3 }, error: "no" });
    const [start, , call, result] = reading.ok ? reading.steps : [];
    expect(start).toMatchObject({
      actor: { externalId: "u1" },
      agent: { slug: "support" },
      sessionId: "s1",
      context: { a: 1 },
    });
    expect(call).toMatchObject({ atMs: Date.UTC(2026, 0, 5, 12), tags: ["external"] });
    expect(result).toMatchObject({ metrics: { duration_ms: 3 }, error: { message: "no" } });
  });

  it("says no more by fields that are not its own, such as whose call it was or how the task ended", () => {
    const truth = { origin: "injected", injection_task: "injection_task_0", injected_text_in_result: true, reward: 1 };
    expect(readTrafficRow({ ...ROW, ...truth }, 1)).toEqual(readTrafficRow(ROW, 1));
  });

  it("is read within bounds however deep its arguments are", () => {
    const reading = readTrafficRow({ ...ROW, args: deep() });
    expect(reading.ok && reading.steps[2]).toMatchObject({ kind: "call", isExceeded: true });
  });

  it.each([
    [7, "is not an object"],
    [null, "is not an object"],
    [[], "is not an object"],
    [{ tool: "a" }, "`run_id` must be text"],
    [{ run_id: 7, tool: "a" }, "`run_id` must be text"],
    [{ run_id: "x".repeat(257), tool: "a" }, "`run_id` must have at most 256 characters"],
    [{ run_id: "r" }, "`tool` must be text"],
    [{ run_id: "r", tool: "x".repeat(257) }, "`tool` must have at most 256 characters"],
    [{ run_id: "r", tool: "a", ts: "yesterday" }, "`ts` must be an ISO 8601 time or epoch milliseconds"],
    [{ run_id: "r", tool: "a", ts: {} }, "`ts` must be an ISO 8601 time or epoch milliseconds"],
  ])("%j cannot be read: %s", (row, reason) => {
    expect(readTrafficRow(row)).toEqual({ ok: false, reason });
  });
});

describe("an audit event", () => {
  it("is refused with its field", () => {
    const reading = readTrafficRow({ ...called("a"), ts: "noon" });
    expect(reading.ok ? "" : reading.reason).toMatch(/^is no audit event: `ts` /);
    expect(readTrafficRow(called("a", { args: deep() as [] }))).toEqual({
      ok: false,
      reason: "is no audit event: `data.args` has more than 1000 levels",
    });
  });

  it("of a kind that says nothing of calls, or that is not known here, has no steps", () => {
    const applied = event("policy.applied", { revision: 1, policyIds: [] });
    expect(readTrafficRow(applied)).toEqual({ ok: true, steps: [] });
    expect(readTrafficRow({ schema: EVENT_SCHEMA, kind: "weather.changed" })).toEqual({ ok: true, steps: [] });
  });
});
