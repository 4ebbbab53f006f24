import type { AuditEvent } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { serialiseEvent } from "./serialise-event.ts";
import { utf8SizeBytes } from "./utf8.ts";

const hostile = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true, withNullPrototype: true }),
  fc.constant(0).map(() => ({
    toJSON: () => {
      throw new Error("no");
    },
  })),
  fc.constant(0).map(
    () =>
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("no");
          },
        },
      ),
  ),
  fc.string({ unit: "binary", maxLength: 5_000 }),
);

describe("serialiseEvent", () => {
  it("[SPEC 8.3] gives one valid line within the bound for any value, and keeps id and number", () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1_000, max: 8_000 }), (value, bound) => {
        const event = {
          schema: "handlebar.audit.v1",
          eventId: "e-1",
          seq: 7,
          ts: "2026-01-02T03:04:05.000Z",
          agentId: "a",
          runId: "r",
          kind: "tool.result",
          data: { callId: "c", tool: { name: "t" }, outcome: "success", result: value, nested: { value } },
        } as unknown as AuditEvent;
        const serialised = serialiseEvent(event, bound);
        expect(serialised.sizeBytes).toBe(utf8SizeBytes(serialised.text));
        expect(serialised.sizeBytes).toBeLessThanOrEqual(bound);
        expect(serialised.text).not.toMatch(/[\n\r]/);
        expect(JSON.parse(serialised.text)).toMatchObject({ eventId: "e-1", seq: 7, runId: "r" });
      }),
      { numRuns: 500 },
    );
  });
});
