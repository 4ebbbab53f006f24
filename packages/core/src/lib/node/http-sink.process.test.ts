import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HttpSink } from "../sinks/http-sink.ts";
import type { ChildOrder } from "./delivery-child.test-support.ts";
import { FaultyServer, hang, healthy, status } from "./faulty-server.test-support.ts";
import { fileSpool } from "./spool.ts";

/** Far more than any deadline given to a child, and far less than the attempts and waits it would otherwise sit out. */
const EXIT_BOUND_MS = 30_000;
const TSX = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const SCRIPT = join(import.meta.dirname, "delivery-child.test-support.ts");

let server: FaultyServer;
let dir: string;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  server = new FaultyServer();
  await server.listen();
  dir = mkdtempSync(join(tmpdir(), "handlebar-process-"));
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

interface Child {
  readonly process: ChildProcess;
  /** Ids of the events whose `write` has returned. */
  readonly written: string[];
  readonly lines: string[];
  /** Resolves when a line begins so; rejects when the child ends without it. */
  said(start: string): Promise<string>;
  /** Resolves when so many events were written; rejects when the child ends before. */
  wrote(count: number): Promise<void>;
  /** How it ended: an exit code, a signal, or `did not end`. */
  readonly ended: Promise<string>;
}

function start(order: Partial<ChildOrder>): Child {
  const full: ChildOrder = {
    endpoint: server.endpoint,
    runId: "run",
    eventCount: 10,
    end: "nothing",
    closeDeadlineMs: 500,
    spool: undefined,
    handleSignals: false,
    ...order,
  };
  const args = ["--conditions=@handlebar/source", "--import", TSX, SCRIPT, JSON.stringify(full)];
  const process_ = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  children.add(process_);
  const lines: string[] = [];
  const written: string[] = [];
  const waiting = new Set<() => void>();
  const reader = createInterface({ input: process_.stdout });
  reader.on("line", (line) => {
    lines.push(line);
    if (line.startsWith("wrote ")) written.push(line.slice("wrote ".length));
    for (const look of waiting) look();
  });
  const ended = new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve("did not end"), EXIT_BOUND_MS);
    process_.once("close", (code, signal) => {
      clearTimeout(timer);
      children.delete(process_);
      resolve(signal ?? `code ${code}`);
    });
  });
  /** Resolves with the first answer, which is looked for now and after each line. */
  const found = <T>(find: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      void ended.then((how) => reject(new Error(`the child ended (${how}) after ${lines.length} lines`)));
      const look = (): void => {
        const answer = find();
        if (answer !== undefined) resolve(answer);
      };
      waiting.add(look);
      look();
    });
  const said = (start_: string): Promise<string> => found(() => lines.find((each) => each.startsWith(start_)));
  const wrote = async (count: number): Promise<void> => {
    await found(() => written[count - 1]);
  };
  return { process: process_, written, lines, said, wrote, ended };
}

/** Delivers what the spool holds, as the next process would. */
async function recover(): Promise<HttpSink> {
  const sink = new HttpSink({
    endpoint: server.endpoint,
    apiKey: "key",
    flushIntervalMs: 5,
    spool: fileSpool({ dir }),
  });
  const isEmpty = (): boolean => sink.stats.recovered > 0 && sink.stats.pending === 0 && readdirSync(dir).length === 0;
  await expect.poll(isEmpty, { interval: 5, timeout: EXIT_BOUND_MS }).toBe(true);
  await sink.close();
  return sink;
}

const stored = (): readonly string[] => [...server.store.keys()].sort();
const sorted = (ids: readonly string[]): readonly string[] => [...ids].sort();

describe("a process that ends", () => {
  it("by itself, delivers without being told to", async () => {
    const child = start({});
    expect(await child.ended).toBe("code 0");
    expect(stored()).toEqual(sorted(child.written));
    expect(server.store.size).toBe(10);
  });

  it("by itself while the server is down, ends, and says what was lost", async () => {
    server.behaviour = status(503);
    const child = start({});
    expect(await child.ended).toBe("code 0");
    expect(child.lines.at(-1)).toContain('"delivered":0,"duplicates":0,"dropped":10');
  });

  it("by itself while the server is down, leaves its events to the next one", async () => {
    server.behaviour = status(503);
    const child = start({ spool: { dir, mode: "overflow" } });
    expect(await child.ended).toBe("code 0");
    server.behaviour = healthy;
    const next = await recover();
    expect(stored()).toEqual(sorted(child.written));
    expect(next.stats).toMatchObject({ recovered: 10, delivered: 10, duplicates: 0 });
  });

  it("through close while the server hangs, within the deadline", async () => {
    server.behaviour = hang;
    const child = start({ end: "close" });
    expect(await child.ended).toBe("code 0");
    expect(child.lines).toContain('closed {"delivered":0,"spooled":0,"dropped":10}');
  });

  it("through close while connections are refused", async () => {
    await server.close();
    const child = start({ end: "close" });
    expect(await child.ended).toBe("code 0");
    expect(child.lines).toContain('closed {"delivered":0,"spooled":0,"dropped":10}');
  });

  it.each(["exit", "throw"] as const)("through %s, leaves its events to the next one", async (end) => {
    const child = start({ end, spool: { dir, mode: "overflow" } });
    expect(await child.ended).toBe(end === "exit" ? "code 0" : "code 1");
    await recover();
    expect(stored()).toEqual(sorted(child.written));
  });

  it("through SIGTERM, delivers first where asked, and still ends by the signal", async () => {
    const child = start({ end: "stay", handleSignals: true, closeDeadlineMs: 10_000 });
    await child.said("ready");
    child.process.kill("SIGTERM");
    expect(await child.ended).toBe("SIGTERM");
    expect(stored()).toEqual(sorted(child.written));
  });

  it("through SIGTERM while the server hangs, ends within the deadline and leaves its events to the next one", async () => {
    server.behaviour = hang;
    const child = start({ end: "stay", handleSignals: true, spool: { dir, mode: "overflow" } });
    await child.said("ready");
    child.process.kill("SIGTERM");
    expect(await child.ended).toBe("SIGTERM");
    server.behaviour = healthy;
    await recover();
    expect(stored()).toEqual(sorted(child.written));
  });

  it("through SIGTERM, is not held up where nobody asked for it", async () => {
    server.behaviour = hang;
    const child = start({ end: "stay" });
    await child.said("ready");
    child.process.kill("SIGTERM");
    expect(await child.ended).toBe("SIGTERM");
  });

  it.each([1, 2, 3])("through SIGKILL, loses nothing that was written through, time %i", async () => {
    server.behaviour = (exchange) => (server.requestCount % 2 === 0 ? healthy : status(503))(exchange);
    const child = start({ end: "write for ever", eventCount: 200, spool: { dir, mode: "wal" } });
    await child.said("ready");
    await child.wrote(301);
    child.process.kill("SIGKILL");
    expect(await child.ended).toBe("SIGKILL");
    server.behaviour = healthy;
    await recover();
    const kept = new Set(stored());
    expect(child.written.filter((eventId) => !kept.has(eventId))).toEqual([]);
  });

  it("beside others that share its spool directory, delivers each event once", async () => {
    server.behaviour = status(503);
    const spool = { dir, mode: "wal" } as const;
    const siblings = ["a", "b"].map((runId) => start({ runId, spool, end: "close" }));
    expect(await Promise.all(siblings.map(({ ended }) => ended))).toEqual(["code 0", "code 0"]);
    server.behaviour = healthy;
    const next = await recover();
    expect(stored()).toEqual(sorted(siblings.flatMap(({ written }) => written)));
    expect(next.stats).toMatchObject({ recovered: 20, delivered: 20, duplicates: 0 });
  });
});
