import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { type ExitHost, type ExitSignal, type ExitTask, installExitHooks } from "./exit-hooks.ts";

class FakeProcess extends EventEmitter implements ExitHost {
  readonly pid = 7;
  readonly killed: ExitSignal[] = [];

  kill(_pid: number, signal: ExitSignal): void {
    this.killed.push(signal);
  }
}

class RecordingTask implements ExitTask {
  readonly calls: string[] = [];

  async flush(deadlineMs: number): Promise<void> {
    this.calls.push(`flush ${deadlineMs}`);
  }

  closeNow(): void {
    this.calls.push("closeNow");
  }
}

const EVENTS = ["beforeExit", "exit", "SIGTERM", "SIGINT"];
const counts = (host: FakeProcess): readonly number[] => EVENTS.map((event) => host.listenerCount(event));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("installExitHooks", () => {
  it("flushes once when the program has nothing left to do, and puts away at exit", () => {
    const host = new FakeProcess();
    const task = new RecordingTask();
    installExitHooks(task, { host });
    host.emit("beforeExit");
    host.emit("beforeExit");
    host.emit("exit");
    expect(task.calls).toEqual(["flush 2000", "closeNow"]);
  });

  it("leaves signals alone unless asked", () => {
    const host = new FakeProcess();
    installExitHooks(new RecordingTask(), { host });
    expect(counts(host)).toEqual([1, 1, 0, 0]);
  });

  it("flushes on a signal, then lets it do what it does", async () => {
    const host = new FakeProcess();
    const task = new RecordingTask();
    installExitHooks(task, { host, handleSignals: true, signalDeadlineMs: 100 });
    host.emit("SIGTERM");
    expect(host.listenerCount("SIGTERM")).toBe(0);
    await turn();
    expect(task.calls).toEqual(["flush 100", "closeNow"]);
    expect(host.killed).toEqual(["SIGTERM"]);
  });

  it("leaves the exit to a listener of the program's own", async () => {
    const host = new FakeProcess();
    const task = new RecordingTask();
    host.on("SIGINT", () => undefined);
    installExitHooks(task, { host, handleSignals: true });
    host.emit("SIGINT");
    await turn();
    expect(task.calls).toEqual(["flush 5000"]);
    expect(host.killed).toEqual([]);
  });

  it("gives the process one listener of each kind for all tasks, and takes them away with the last", () => {
    const host = new FakeProcess();
    const removals = Array.from({ length: 20 }, () =>
      installExitHooks(new RecordingTask(), { host, handleSignals: true }),
    );
    expect(counts(host)).toEqual([1, 1, 1, 1]);
    for (const remove of removals) remove();
    expect(counts(host)).toEqual([0, 0, 0, 0]);
  });

  it("runs every task even when one fails", async () => {
    const host = new FakeProcess();
    const bad: ExitTask = {
      flush: () => Promise.reject(new Error("no")),
      closeNow: () => {
        throw new Error("no");
      },
    };
    const task = new RecordingTask();
    installExitHooks(bad, { host, handleSignals: true });
    installExitHooks(task, { host, handleSignals: true });
    host.emit("SIGTERM");
    await turn();
    host.emit("exit");
    expect(task.calls).toEqual(["flush 5000", "closeNow", "closeNow"]);
    expect(host.killed).toEqual(["SIGTERM"]);
  });
});
