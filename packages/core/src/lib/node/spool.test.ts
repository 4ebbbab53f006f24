import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type SerialisedEvent, serialiseEvent } from "../events/serialise-event.ts";
import type { SpoolLoss } from "../sinks/event-spool.ts";
import { SimClient, SimWorld } from "../sinks/sim-world.test-support.ts";
import { type FileSpool, type FileSpoolOptions, fileSpool } from "./spool.ts";
import { spoolScope } from "./spool-name.ts";

const made: string[] = [];
const opened: FileSpool[] = [];

afterEach(() => {
  for (const spool of opened.splice(0)) spool.close();
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function newDir(): string {
  const dir = join(mkdtempSync(join(tmpdir(), "handlebar-spool-")), "spool");
  made.push(join(dir, ".."));
  return dir;
}

function open(dir: string, options: Partial<FileSpoolOptions> = {}, losses: SpoolLoss[] = []): FileSpool {
  const spool = fileSpool({ dir, ...options });
  spool.open({ onLoss: (loss) => losses.push(loss) });
  opened.push(spool);
  return spool;
}

function events(count: number, length = 20): readonly SerialisedEvent[] {
  const client = new SimClient();
  return Array.from({ length: count }, () => serialiseEvent(client.message("run", length)));
}

const ids = (list: readonly { readonly eventId: string }[]): readonly string[] => list.map(({ eventId }) => eventId);
const DEAD_PID = 2_147_483_646;

/** Writes a segment as a process that was killed would have left it. */
function leaveBehind(dir: string, lines: string, { state = "open", pid = DEAD_PID, ms = Date.now() } = {}): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, `${spoolScope("")}-${ms}-${pid}-0123abcd-1.${state}`), lines);
}

describe("FileSpool", () => {
  it("gives back what was stored, in order, within the bounds asked for", () => {
    const spool = open(newDir());
    const stored = events(5);
    for (const event of stored) spool.write(event, "stored");
    const first = spool.read(2, 1_000_000);
    expect(first).toEqual(
      stored
        .slice(0, 2)
        .map((event, line) => ({ ...event, recovered: false, receipt: { segment: expect.anything(), line } })),
    );
    expect(ids(spool.read(10, (stored[2]?.sizeBytes ?? 0) + 1))).toEqual(ids(stored.slice(2, 3)));
    expect(ids(spool.read(10, 1_000_000))).toEqual(ids(stored.slice(3)));
    expect(spool.read(10, 1_000_000)).toEqual([]);
  });

  it("keeps directory and files for the owner alone", () => {
    const dir = newDir();
    const spool = open(dir);
    for (const event of events(1)) spool.write(event, "stored");
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(dir)) expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
  });

  it("does not give back what is held until it is stored, and forgets what is released", () => {
    const dir = newDir();
    const spool = open(dir, { mode: "wal" });
    const receipts = events(3).map((event) => spool.write(event, "held"));
    expect(spool.read(10, 1_000_000)).toEqual([]);
    const [first, second, third] = receipts;
    if (first === undefined || second === undefined || third === undefined) throw new Error("not written");
    spool.release(first);
    expect(spool.store(second)).toBe(true);
    spool.release(third);
    const [back] = spool.read(10, 1_000_000);
    expect(back?.eventId).toBe("event-2");
    if (back !== undefined) spool.release(back.receipt);
    expect(spool.stats.sizeBytes).toBe(0);
    spool.close();
    expect(readdirSync(dir)).toEqual([]);
  });

  it("finds what is stored after what lies behind it was read", () => {
    const spool = open(newDir());
    const [first, second] = events(2).map((event) => spool.write(event, "held"));
    if (first === undefined || second === undefined) throw new Error("not written");
    spool.store(second);
    expect(ids(spool.read(10, 1_000_000))).toEqual(["event-2"]);
    spool.store(first);
    expect(ids(spool.read(10, 1_000_000))).toEqual(["event-1"]);
  });

  it("leaves what is stored, and nothing else, for the next process", () => {
    const dir = newDir();
    const first = open(dir, { mode: "wal" });
    const written = events(4).map((event) => first.write(event, "held"));
    written.forEach((receipt, index) => {
      if (receipt !== undefined && index < 2) first.release(receipt);
      if (receipt !== undefined && index >= 2) first.store(receipt);
    });
    first.close();
    expect(readdirSync(dir).map((file) => file.split(".")[1])).toEqual(["jsonl"]);
    const second = open(dir);
    const back = second.read(10, 1_000_000);
    expect(back.map(({ eventId, recovered }) => [eventId, recovered])).toEqual([
      ["event-3", true],
      ["event-4", true],
    ]);
    for (const { receipt } of back) second.release(receipt);
    expect(readdirSync(dir)).toEqual([]);
  });

  it("takes over from a killed process, skips and counts the torn line, and leaves foreign files alone", () => {
    const dir = newDir();
    const [one, two] = events(2).map(({ text }) => text);
    leaveBehind(dir, `${one}\nnot json\n{"eventId":"x"}\n${two}\n{"eventId":"event-3","ru`);
    writeFileSync(join(dir, "notes.txt"), "mine");
    writeFileSync(join(dir, `${spoolScope("other")}-1-${DEAD_PID}-0123abcd-1.jsonl`), `${one}\n`);
    const spool = open(dir);
    expect(ids(spool.read(10, 1_000_000))).toEqual(["event-1", "event-2"]);
    expect(spool.stats.tornLines).toBe(3);
    expect(readFileSync(join(dir, "notes.txt"), "utf8")).toBe("mine");
    expect(readdirSync(dir)).toHaveLength(3);
  });

  it("takes over a claim of a dead process, and of an earlier process with our own pid", () => {
    const dir = newDir();
    const lines = events(1)
      .map(({ text }) => `${text}\n`)
      .join("");
    leaveBehind(dir, lines, { state: `claim-${DEAD_PID}-89abcdef` });
    expect(open(dir).read(10, 1_000_000)).toHaveLength(1);
  });

  it("leaves the files of a living process alone", () => {
    const dir = newDir();
    const [event] = events(1);
    const living = open(dir);
    if (event !== undefined) living.write(event, "stored");
    leaveBehind(dir, `${event?.text}\n`, { pid: process.ppid });
    expect(open(dir).read(10, 1_000_000)).toEqual([]);
    expect(living.read(10, 1_000_000)).toHaveLength(1);
  });

  it("lets one of two take a segment over, never both", () => {
    const dir = newDir();
    leaveBehind(
      dir,
      events(3)
        .map(({ text }) => `${text}\n`)
        .join(""),
      { state: "jsonl" },
    );
    const first = open(dir).read(10, 1_000_000);
    const second = open(dir).read(10, 1_000_000);
    expect([first.length, second.length]).toEqual([3, 0]);
  });

  it("gives up the oldest beyond its bound, and says which events these were", () => {
    const losses: SpoolLoss[] = [];
    const dir = newDir();
    const spool = open(dir, { sizeBytesMax: 20_000, segmentSizeBytesMax: 5_000 }, losses);
    const stored = events(60, 500);
    for (const event of stored) expect(spool.write(event, "stored")).toBeDefined();
    const lost = losses.flatMap((loss) => loss.events);
    const kept = spool
      .read(1_000, 1_000_000)
      .concat(spool.read(1_000, 1_000_000), spool.read(1_000, 1_000_000), spool.read(1_000, 1_000_000));
    expect([...ids(lost), ...ids(kept)]).toEqual(ids(stored));
    expect(new Set(losses.map(({ reason, recovered }) => `${reason} ${recovered}`))).toEqual(
      new Set(["spool_full false"]),
    );
    expect(spool.stats.sizeBytes).toBeLessThanOrEqual(20_000);
    expect(readdirSync(dir).reduce((sum, file) => sum + statSync(join(dir, file)).size, 0)).toBeLessThanOrEqual(20_000);
  });

  it("does not count a held event as lost when its place is given up", () => {
    const losses: SpoolLoss[] = [];
    const spool = open(newDir(), { mode: "wal", sizeBytesMax: 2_000, segmentSizeBytesMax: 1_000 }, losses);
    const receipts = events(20).map((event) => spool.write(event, "held"));
    expect(losses).toEqual([]);
    expect(receipts.filter((receipt) => receipt !== undefined && spool.store(receipt)).length).toBeLessThan(20);
  });

  it("gives up what is too old", () => {
    const losses: SpoolLoss[] = [];
    const dir = newDir();
    leaveBehind(
      dir,
      events(2)
        .map(({ text }) => `${text}\n`)
        .join(""),
      { ms: Date.now() - 8 * 86_400_000 },
    );
    const spool = open(dir, {}, losses);
    expect(spool.read(10, 1_000_000)).toEqual([]);
    expect(losses.map(({ reason, recovered, events: lost }) => [reason, recovered, lost.length])).toEqual([
      ["spool_expired", true, 2],
    ]);
    expect(readdirSync(dir)).toEqual([]);
  });

  it.each(["file", "link"])("counts a directory that cannot be used, and never throws: %s", (kind) => {
    const dir = newDir();
    if (kind === "file") writeFileSync(dir, "");
    else symlinkSync("/", dir);
    const world = new SimWorld(1);
    const spool = open(dir, { runtime: world.runtime });
    const [event] = events(1);
    if (event === undefined) throw new Error("no event");
    expect(spool.write(event, "stored")).toBe(undefined);
    expect(spool.read(10, 1_000_000)).toEqual([]);
    expect(spool.stats.failures).toBe(1);
    expect(world.warnings).toHaveLength(1);
  });

  it("goes on in a new directory some seconds after its own was deleted", () => {
    const dir = newDir();
    const world = new SimWorld(1);
    const spool = open(dir, { runtime: world.runtime, segmentSizeBytesMax: 1 });
    const [first, second] = events(2);
    if (first === undefined || second === undefined) throw new Error("no events");
    expect(spool.write(first, "stored")).toBeDefined();
    rmSync(dir, { recursive: true });
    expect(spool.write(second, "stored")).toBe(undefined);
    expect(spool.write(second, "stored")).toBe(undefined);
    expect(spool.stats.failures).toBe(1);
    world.nowMs += 5_000;
    expect(spool.write(second, "stored")).toBeDefined();
    expect(world.warnings).toHaveLength(1);
  });
});
