import { describe, expect, it } from "vitest";
import { ENDED_RUN_BATCH_COUNT, ENDED_RUN_WAITING_COUNT_MAX } from "../limits.ts";
import { EndedRuns } from "./ended-runs.ts";

describe("runs that ended", () => {
  it("are handed on in batches, one after the other, each once, whatever fails", async () => {
    const batches: (readonly string[])[] = [];
    const errors: unknown[] = [];
    let open = 0;
    const ended = new EndedRuns({
      end: async (workspaceId, runIds) => {
        open += 1;
        expect(open).toBe(1);
        batches.push(runIds.map((runId) => `${workspaceId} ${runId}`));
        await Promise.resolve();
        open -= 1;
        if (batches.length === 1) throw new Error("no");
      },
      onError: (error) => errors.push(error),
    });
    for (let n = 0; n < ENDED_RUN_BATCH_COUNT + 1; n++) for (const id of ["a", "a", "b"]) ended.add(id, `r${n}`);
    await ended.idle();
    expect(batches.map((batch) => batch.length)).toEqual([ENDED_RUN_BATCH_COUNT, 1, ENDED_RUN_BATCH_COUNT, 1]);
    expect([new Set(batches.flat()).size, errors.length]).toEqual([2 * (ENDED_RUN_BATCH_COUNT + 1), 1]);
  });

  it("wait within a bound", async () => {
    let count = 0;
    const ended = new EndedRuns({
      end: async (_workspaceId, runIds) => {
        count += runIds.length;
      },
      onError: () => undefined,
    });
    for (let n = 0; n < 2 * ENDED_RUN_WAITING_COUNT_MAX; n++) ended.add("w", `r${n}`);
    await ended.idle();
    expect(count).toBe(ENDED_RUN_WAITING_COUNT_MAX);
  });
});
