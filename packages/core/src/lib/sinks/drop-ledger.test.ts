import { describe, expect, it } from "vitest";
import type { EventRef } from "../events/serialise-event.ts";
import { DropLedger } from "./drop-ledger.ts";
import { SINK_BOUNDS } from "./sink-bounds.ts";

function ref(runId: string, seq: number): EventRef {
  return { eventId: `${runId}-${seq}`, runId, agentId: "support", seq, kind: "tool.result" };
}

const total = (ledger: DropLedger): number =>
  ledger
    .take(Number.POSITIVE_INFINITY)
    .reduce((sum, { counts }) => sum + counts.reduce((all, { count }) => all + count, 0), 0);

describe("DropLedger", () => {
  it("reports each run by reason and kind, with ranges, and forgets what was taken", () => {
    const ledger = new DropLedger();
    for (const seq of [4, 5, 9]) ledger.record(ref("a", seq), "queue_full");
    ledger.record({ ...ref("a", 6), kind: "run.ended" }, "rejected");
    ledger.record({ ...ref("b", 0), sessionId: "s" }, "queue_full");
    expect(ledger.take(10)).toEqual([
      {
        runId: "a",
        agentId: "support",
        seqMax: 9,
        counts: [
          { reason: "queue_full", kind: "tool.result", count: 3 },
          { reason: "rejected", kind: "run.ended", count: 1 },
        ],
        ranges: [
          { runId: "a", from: 4, to: 6 },
          { runId: "a", from: 9, to: 9 },
        ],
      },
      {
        runId: "b",
        agentId: "support",
        sessionId: "s",
        seqMax: 0,
        counts: [{ reason: "queue_full", kind: "tool.result", count: 1 }],
        ranges: [{ runId: "b", from: 0, to: 0 }],
      },
    ]);
    expect(ledger.eventCount).toBe(0);
    expect(ledger.take(10)).toEqual([]);
  });

  it("takes a report back that did not arrive, and adds to it", () => {
    const ledger = new DropLedger();
    ledger.record(ref("a", 1), "queue_full");
    const [report] = ledger.take(10);
    ledger.record(ref("a", 2), "queue_full");
    if (report !== undefined) ledger.restore(report);
    expect(ledger.take(10)).toMatchObject([{ counts: [{ count: 2 }], ranges: [{ runId: "a", from: 1, to: 2 }] }]);
  });

  it("splits a run with many gaps into several reports, the counts in the first", () => {
    const ledger = new DropLedger();
    for (let index = 0; index < 1_200; index++) ledger.record(ref("a", index * 2), "queue_full");
    const reports = ledger.take(1);
    expect(reports.map(({ counts, ranges }) => [counts.length, ranges.length])).toEqual([
      [1, 500],
      [0, 500],
      [0, 200],
    ]);
  });

  it("stays bounded in ranges and runs, and keeps counting exactly", () => {
    const ranges = new DropLedger();
    for (let index = 0; index < 30_000; index++) ranges.record(ref("a", index * 2), "queue_full");
    const reports = ranges.take(Number.POSITIVE_INFINITY);
    expect(reports.reduce((sum, report) => sum + report.ranges.length, 0)).toBe(SINK_BOUNDS.dropRangeCountMax);
    expect(reports[0]?.counts).toEqual([{ reason: "queue_full", kind: "tool.result", count: 30_000 }]);

    const runs = new DropLedger();
    for (let index = 0; index < 5_000; index++) runs.record(ref(`run-${index}`, 0), "queue_full");
    expect(runs.eventCount).toBe(5_000);
    const [first, ...rest] = runs.take(Number.POSITIVE_INFINITY);
    expect(rest).toHaveLength(SINK_BOUNDS.dropRunCountMax - 1 + 8);
    expect(first?.counts).toEqual([{ reason: "queue_full", kind: "tool.result", count: 4_001 }]);
    expect(total(runs)).toBe(0);
  });
});
