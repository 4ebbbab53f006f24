import { describe, expect, it } from "vitest";
import { withDeadline } from "./deadline.ts";
import { defaultRuntime } from "./runtime.ts";

const runtime = defaultRuntime();

describe("withDeadline", () => {
  it("gives what the work gives", async () => {
    expect(await withDeadline(runtime, Promise.resolve(1), { timeoutMs: 1000 })).toEqual({ ok: true, value: 1 });
    const error = new Error("no");
    expect(await withDeadline(runtime, Promise.reject(error), { timeoutMs: 1000 })).toEqual({
      ok: false,
      reason: "failed",
      error,
    });
  });

  it("gives up at its deadline, or when told to", async () => {
    const never = new Promise(() => undefined);
    expect(await withDeadline(runtime, never, { timeoutMs: 1 })).toEqual({ ok: false, reason: "timeout" });
    const abort = new AbortController();
    const waiting = withDeadline(runtime, never, { timeoutMs: 1000, signal: abort.signal });
    abort.abort();
    expect(await waiting).toEqual({ ok: false, reason: "aborted" });
  });

  it("leaves no unhandled rejection behind, also of work that was given up before it began", async () => {
    const unhandled: unknown[] = [];
    const listener = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", listener);
    const late = (): Promise<never> => new Promise((_resolve, reject) => setImmediate(() => reject(new Error("late"))));
    await withDeadline(runtime, late(), { timeoutMs: 1000, signal: AbortSignal.abort() });
    await withDeadline(runtime, late(), { timeoutMs: 0 });
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    process.off("unhandledRejection", listener);
    expect(unhandled).toEqual([]);
  });
});
