import { writeSync } from "node:fs";
import { installExitHooks } from "../exit-hooks.ts";
import { defaultRuntime } from "../runtime.ts";
import { HttpSink } from "../sinks/http-sink.ts";
import { SimClient } from "../sinks/sim-world.test-support.ts";
import { fileSpool } from "./spool.ts";

/** What the program does once its events are written. */
export type ChildEnd = "nothing" | "close" | "exit" | "throw" | "stay" | "write for ever";

export interface ChildOrder {
  readonly endpoint: string;
  /** Tells the events of this process from those of others. */
  readonly runId: string;
  readonly eventCount: number;
  readonly end: ChildEnd;
  readonly closeDeadlineMs: number;
  readonly spool: { readonly dir: string; readonly mode: "overflow" | "wal" } | undefined;
  readonly handleSignals: boolean;
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/**
 * Tells the parent, at once: a pipe may buffer what `console.log` writes. A pipe that is full, since the parent has not read yet, refuses the
 * line (`EAGAIN`) where something has made it non-blocking; then this process waits for the parent.
 */
function say(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
      Atomics.wait(PAUSE, 0, 0, 1);
    }
  }
}

async function main(order: ChildOrder): Promise<void> {
  const client = new SimClient();
  const runtime = defaultRuntime();
  const sink = new HttpSink({
    endpoint: order.endpoint,
    apiKey: "key",
    makeDropped: (report) => client.makeDropped(report),
    // Far beyond any bound of the tests: a process that waits for an attempt or a step of backoff is one that does not end in time.
    attemptTimeoutMs: 600_000,
    backoffBaseMs: 50,
    backoffMaxMs: 600_000,
    flushIntervalMs: 20,
    ...(order.spool === undefined ? {} : { spool: fileSpool(order.spool) }),
  });
  installExitHooks(
    { flush: (deadlineMs) => sink.flush({ deadlineMs }), closeNow: () => sink.closeNow() },
    { handleSignals: order.handleSignals, signalDeadlineMs: order.closeDeadlineMs },
  );
  process.on("exit", () => say(`stats ${JSON.stringify(sink.stats)}`));
  const write = (): void => {
    const event = { ...client.decision(order.runId), eventId: runtime.newId() };
    sink.write(event);
    say(`wrote ${event.eventId}`);
  };
  for (let index = 0; index < order.eventCount; index++) write();
  say("ready");
  switch (order.end) {
    case "nothing":
      return;
    case "close":
      say(`closed ${JSON.stringify(await sink.close({ deadlineMs: order.closeDeadlineMs }))}`);
      return;
    case "exit":
      process.exit(0);
      break;
    case "throw":
      throw new Error("uncaught");
    case "stay":
      setInterval(() => undefined, 1_000);
      return;
    case "write for ever":
      setInterval(write, 1);
  }
}

// The parent is the only caller, and writes what its type says.
await main(JSON.parse(process.argv[2] ?? "{}") as ChildOrder);
