import type { Condition } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { factsOf, llmFactsOf, NOON_MS, outcomeFor } from "../facts.fixture.ts";

describe("executionTime", () => {
  const run = (op: "gt" | "gte" | "lt" | "lte", valueMs: number): string | undefined =>
    outcomeFor({ kind: "executionTime", scope: "run", op, valueMs }, factsOf());
  it("is how long the run has lasted", () => {
    expect(run("gt", 59_999)).toBe("true");
    expect(run("gt", 60_000)).toBe("false");
    expect(run("gte", 60_000)).toBe("true");
    expect(run("lt", 60_001)).toBe("true");
    expect(run("lte", 59_999)).toBe("false");
  });
  it("is how long a call took, once it has ended", () => {
    const slow: Condition = { kind: "executionTime", scope: "call", op: "gte", valueMs: 100 };
    const fast: Condition = { kind: "executionTime", scope: "call", op: "lt", valueMs: 100 };
    expect(outcomeFor(slow, factsOf({ phase: "tool.after", call: { durationMs: 100 } }))).toBe("true");
    expect(outcomeFor(slow, factsOf({ phase: "tool.after", call: { durationMs: 99 } }))).toBe("false");
    expect(outcomeFor(fast, factsOf({ call: { durationMs: 1 } }))).toBe("false");
    expect(outcomeFor(fast, factsOf({ phase: "tool.after" }))).toBe("false");
    expect(outcomeFor(slow, llmFactsOf({ phase: "llm.after", metrics: { duration_ms: 150 } }))).toBe("true");
    expect(outcomeFor(slow, factsOf({ phase: "tool.after", call: { durationMs: Number.NaN } }))).toBe("unknown");
  });
  it("does not know on a broken clock", () => {
    expect(
      outcomeFor({ kind: "executionTime", scope: "run", op: "gt", valueMs: 1 }, factsOf({ nowMs: Number.NaN })),
    ).toBe("unknown");
  });
});

describe("timeGate", () => {
  const office = [{ days: ["mon", "tue", "wed", "thu", "fri"], start: "09:00", end: "17:00" }] as const;
  const gate = (timezone: unknown, rest: object = {}): Condition =>
    ({ kind: "timeGate", windows: office, timezone, ...rest }) as unknown as Condition;
  const at = (condition: Condition, zone?: unknown, nowMs: number = NOON_MS): string | undefined =>
    outcomeFor(condition, factsOf({ nowMs, actor: { externalId: "u", metadata: { timezone: zone as string } } }));
  it("reads the wall clock of a fixed zone", () => {
    expect(at(gate("UTC"))).toBe("true");
    expect(at(gate("Asia/Tokyo"))).toBe("false");
    expect(at(gate("UTC"), undefined, NOON_MS + 3 * 86_400_000)).toBe("false");
    expect(at(gate("UTC"), undefined, Number.NaN)).toBe("unknown");
  });
  it("reads the actor's zone", () => {
    const own = gate({ actor: "metadata.timezone" });
    expect(at(own, "UTC")).toBe("true");
    expect(at(own, "Asia/Tokyo")).toBe("false");
    expect(at(own, "Mars/Base")).toBe("unknown");
    expect(at(own, 3)).toBe("unknown");
    expect(at(own, undefined)).toBe("false");
    expect(at(gate({ actor: "metadata.timezone" }, { onMissing: "match" }), undefined)).toBe("true");
    expect(at(gate({ actor: "metadata.timezone", fallback: "UTC" }), undefined)).toBe("true");
    expect(at(gate({ actor: "metadata.timezone", fallback: "UTC" }), "Mars/Base")).toBe("unknown");
  });
});
