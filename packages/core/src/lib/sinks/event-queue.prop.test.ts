import type { EventKind } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventQueue, type QueuedEvent } from "./event-queue.ts";
import { eventValue } from "./event-value.ts";

const KINDS: readonly EventKind[] = ["message.raw.created", "tool.result", "tool.decision"];

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom(...KINDS), sizeBytes: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 1, arbitrary: fc.constant("take" as const) },
  { weight: 1, arbitrary: fc.constant("let go" as const) },
);

const BOUNDS = { countMax: 20, sizeBytesMax: 400, mustKeepSizeBytes: 100 };

describe("EventQueue", () => {
  it("keeps its bounds, loses nothing unsaid, and gives up the least valuable and oldest first", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const waiting = new Map<number, QueuedEvent>();
        const held: QueuedEvent[] = [];
        const queue = new EventQueue(BOUNDS, (event) => {
          const value = eventValue(event.kind);
          for (const other of waiting.values()) {
            if (other.ordinal === event.ordinal) continue;
            expect(eventValue(other.kind)).toBeGreaterThanOrEqual(value);
            if (eventValue(other.kind) === value) expect(other.ordinal).toBeGreaterThan(event.ordinal);
          }
          expect(waiting.delete(event.ordinal)).toBe(true);
        });
        steps.forEach((each, ordinal) => {
          if (each === "take") {
            const taken = queue.take(5, 120);
            const oldest = [...waiting.keys()].sort((a, b) => a - b).slice(0, taken.length);
            expect(taken.map((event) => event.ordinal)).toEqual(oldest);
            for (const event of taken) waiting.delete(event.ordinal);
            held.push(...taken);
          } else if (each === "let go") {
            for (const event of held.splice(0)) queue.letGo(event);
          } else {
            const ref = { eventId: `${ordinal}`, runId: "r", agentId: "a", seq: ordinal, text: "", ordinal };
            const event = { ...ref, ...each };
            waiting.set(ordinal, event);
            queue.push(event);
          }
          const all = [...waiting.values(), ...held];
          expect(queue.count).toBe(waiting.size);
          expect(queue.countAll).toBe(all.length);
          expect(queue.sizeBytesAll).toBe(all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
          expect(queue.sizeBytesAll).toBeLessThanOrEqual(BOUNDS.sizeBytesMax);
          expect(queue.countAll).toBeLessThanOrEqual(BOUNDS.countMax);
          expect(queue.oldestOrdinal).toBe(Math.min(...waiting.keys(), Number.POSITIVE_INFINITY));
        });
        expect(queue.drain().map((event) => event.ordinal)).toEqual([...waiting.keys()].sort((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });
});
