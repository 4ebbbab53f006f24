import { describe, expect, it } from "vitest";
import type { LockdownAck } from "../storage/lockdowns-table.ts";
import { lockdownCourse } from "./lockdown-course.ts";

const ack = (ackedAtMs: number, isFromStart = false): LockdownAck => ({
  agentId: "a",
  clientId: `c${ackedAtMs}`,
  ackedAtMs,
  isFromStart,
});
const of = (acks: readonly LockdownAck[], pointCountMax = 50) =>
  lockdownCourse(acks, { createdAtMs: 1_000, pointCountMax });

describe("the course of a lockdown", () => {
  it("is empty before anybody obeys", () => {
    expect(of([])).toEqual({ stoppedCount: 0, startedCount: 0, ackMs: undefined, points: [] });
  });

  it("counts those that were running apart from those that came later, and never goes back before the order", () => {
    expect(of([ack(999), ack(1_010), ack(1_010), ack(1_500, true), ack(1_040)])).toEqual({
      stoppedCount: 4,
      startedCount: 1,
      ackMs: { p50: 10, p99: 40, last: 40 },
      points: [
        { afterMs: 0, acknowledgedCount: 1 },
        { afterMs: 10, acknowledgedCount: 3 },
        { afterMs: 40, acknowledgedCount: 4 },
      ],
    });
  });

  it("keeps its points within bounds, the last one among them", () => {
    const { points, ackMs } = of(
      Array.from({ length: 101 }, (_, at) => ack(1_000 + at)),
      10,
    );
    expect([points.length, points[0], points.at(-1)]).toEqual([
      10,
      { afterMs: 1, acknowledgedCount: 2 },
      { afterMs: 100, acknowledgedCount: 101 },
    ]);
    expect(ackMs).toEqual({ p50: 50, p99: 99, last: 100 });
  });
});
