import { describe, expect, it } from "vitest";
import { type ManualRuntime, manualRuntime, settled } from "../services/manual-runtime.fixture.ts";
import type { JobsTable } from "../storage/jobs-table.ts";
import { type Job, JobRunner } from "./jobs.ts";

/** Leases in memory, as several processes would share them. */
function leases(runtime: ManualRuntime): JobsTable {
  const held = new Map<string, { readonly holder: string; readonly untilMs: number }>();
  return {
    tryLease: async (name, holder, ttlMs) => {
      const lease = held.get(name);
      if (lease !== undefined && lease.holder !== holder && lease.untilMs > runtime.nowMs()) return false;
      held.set(name, { holder, untilMs: runtime.nowMs() + ttlMs });
      return true;
    },
    release: async (name, holder) => {
      if (held.get(name)?.holder === holder) held.delete(name);
    },
  };
}

function runner(
  jobs: readonly Job[],
  runtime: ManualRuntime,
  table = leases(runtime),
): { readonly runner: JobRunner; readonly warnings: unknown[] } {
  const warnings: unknown[] = [];
  const log = {
    debug: () => undefined,
    info: () => undefined,
    error: () => undefined,
    warn: (fields: object) => void warnings.push(fields),
  };
  return { runner: new JobRunner({ jobs, table, runtime, log }), warnings };
}

const job = (run: () => Promise<unknown>, isShared = false): Job => ({ name: "job", everyMs: 1000, isShared, run });

describe("JobRunner", () => {
  it("runs a job at its interval, and not before", async () => {
    const runtime = manualRuntime();
    let count = 0;
    const { runner: one } = runner([job(async () => count++)], runtime);
    one.start();
    await runtime.advance(999);
    expect(count).toBe(0);
    await runtime.advance(1);
    expect(count).toBe(1);
    await runtime.advance(2000);
    expect(count).toBe(3);
  });

  it("never runs a job beside itself", async () => {
    const runtime = manualRuntime();
    let finish: (() => void) | undefined;
    let count = 0;
    const slow = (): Promise<void> => {
      count++;
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    runner([job(slow)], runtime).runner.start();
    await runtime.advance(5000);
    expect(count).toBe(1);
    finish?.();
    await settled();
    await runtime.advance(1000);
    expect(count).toBe(2);
  });

  it("goes on after a failure, and tells of it", async () => {
    const runtime = manualRuntime();
    const error = new Error("no");
    const { runner: one, warnings } = runner([job(() => Promise.reject(error))], runtime);
    one.start();
    await runtime.advance(2000);
    expect(warnings).toEqual([
      { err: error, job: "job" },
      { err: error, job: "job" },
    ]);
  });

  it("does a shared job in one process, and in another once that one has stopped or died", async () => {
    const runtime = manualRuntime();
    const table = leases(runtime);
    const done: string[] = [];
    const start = (name: string): JobRunner => {
      const { runner: one } = runner([job(async () => done.push(name), true)], runtime, table);
      one.start();
      return one;
    };
    const first = start("first");
    start("second");
    await runtime.advance(3000);
    expect(done).toEqual(["first", "first", "first"]);
    await first.stop();
    await runtime.advance(1000);
    expect(done.at(-1)).toBe("second");
  });

  it("waits at its stop for what runs, and runs nothing after it", async () => {
    const runtime = manualRuntime();
    let finish: (() => void) | undefined;
    let count = 0;
    const { runner: one } = runner(
      [
        job(() => {
          count++;
          return new Promise<void>((resolve) => {
            finish = resolve;
          });
        }),
      ],
      runtime,
    );
    one.start();
    await runtime.advance(1000);
    let isStopped = false;
    const stopping = one.stop().then(() => {
      isStopped = true;
    });
    await runtime.advance(0);
    expect(isStopped).toBe(false);
    finish?.();
    await stopping;
    await runtime.advance(5000);
    expect([count, runtime.timerCount]).toEqual([1, 0]);
  });
});
