import { eventDataSchemas } from "@handlebar/protocol";
import type { SerialisedEvent } from "../events/serialise-event.ts";
import type { DropReport } from "./drop-ledger.ts";
import { parseJson } from "./read-answer.ts";

/** How many drops a report tells of. */
export function reportedCount(report: DropReport): number {
  return report.counts.reduce((sum, { count }) => sum + count, 0);
}

/** The report that an `events.dropped` event carries, read back from its text. */
export function readReport(event: SerialisedEvent): DropReport | undefined {
  const parsed = parseJson(event.text);
  const data = typeof parsed === "object" && parsed !== null && "data" in parsed ? parsed.data : undefined;
  const report = eventDataSchemas["events.dropped"].safeParse(data);
  if (!report.success) return undefined;
  const { runId, agentId, sessionId } = event;
  return {
    runId,
    agentId,
    ...(sessionId === undefined ? {} : { sessionId }),
    seqMax: event.seq,
    // What was written is what this package's own types allowed.
    counts: report.data.counts as DropReport["counts"],
    ranges: report.data.ranges,
  };
}
