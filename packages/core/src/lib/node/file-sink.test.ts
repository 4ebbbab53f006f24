import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditEvent } from "@handlebar/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { SimClient, SimWorld } from "../sinks/sim-world.test-support.ts";
import { type FileSink, type FileSinkOptions, fileSink } from "./file-sink.ts";

const dirs: string[] = [];
const sinks: FileSink[] = [];

afterEach(async () => {
  await Promise.all(sinks.splice(0).map((sink) => sink.close()));
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "handlebar-file-"));
  dirs.push(dir);
  return dir;
}

function open(
  path: string,
  options: Partial<FileSinkOptions> = {},
): { readonly sink: FileSink; readonly world: SimWorld } {
  const world = new SimWorld(1);
  const sink = fileSink({ path, runtime: world.runtime, ...options });
  sinks.push(sink);
  return { sink, world };
}

function events(count: number): readonly AuditEvent[] {
  const client = new SimClient();
  return Array.from({ length: count }, () => client.message("run", 100));
}

function read(path: string): readonly AuditEvent[] {
  const lines = readFileSync(path, "utf8").split("\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => JSON.parse(line));
}

describe("fileSink", () => {
  it("has each event in the file when `write` returns, and makes directory and file for the owner alone", () => {
    const path = join(newDir(), "audit", "events.jsonl");
    const { sink } = open(path);
    const written = events(3);
    for (const event of written) sink.write(event);
    expect(read(path)).toEqual(written);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
    expect(sink.stats).toEqual({ written: 3, dropped: 0, failures: 0 });
  });

  it("writes in the background where asked, and has all in the file after flush", async () => {
    const path = join(newDir(), "events.jsonl");
    const { sink } = open(path, { sync: false });
    const written = events(2_000);
    for (const event of written) sink.write(event);
    await sink.flush();
    expect(read(path)).toEqual(written);
  });

  it("touches nothing before the first event", () => {
    const dir = newDir();
    open(join(dir, "events.jsonl"));
    expect(readdirSync(dir)).toEqual([]);
  });

  it.each([true, false])("rotates by size and keeps as many files as asked, sync %s", async (sync) => {
    const dir = newDir();
    const path = join(dir, "events.jsonl");
    const [one] = events(1);
    const { sink } = open(path, { sizeBytesMax: JSON.stringify(one).length * 3 + 20, rotatedCountMax: 2, sync });
    const written = events(11);
    for (const event of written) sink.write(event);
    await sink.close();
    expect(readdirSync(dir).sort()).toEqual(["events.jsonl", "events.jsonl.1", "events.jsonl.2"]);
    expect([...read(`${path}.2`), ...read(`${path}.1`), ...read(path)]).toEqual(written.slice(-8));
  });

  it("keeps no rotated file when asked for none", () => {
    const dir = newDir();
    const path = join(dir, "events.jsonl");
    const { sink } = open(path, { sizeBytesMax: 1, rotatedCountMax: 0 });
    const written = events(3);
    for (const event of written) sink.write(event);
    expect(readdirSync(dir)).toEqual(["events.jsonl"]);
    expect(read(path)).toEqual(written.slice(-1));
  });

  it("appends to an earlier file, on a new line where the last was cut short", () => {
    const path = join(newDir(), "events.jsonl");
    writeFileSync(path, '{"torn":');
    const { sink } = open(path);
    const [event] = events(1);
    if (event !== undefined) sink.write(event);
    expect(readFileSync(path, "utf8")).toBe(`{"torn":\n${JSON.stringify(event)}\n`);
  });

  it("opens the file anew when told that it was moved away", async () => {
    const path = join(newDir(), "events.jsonl");
    const { sink } = open(path);
    const [first, second] = events(2);
    if (first !== undefined) sink.write(first);
    renameSync(path, `${path}.old`);
    sink.reopen();
    if (second !== undefined) sink.write(second);
    await sink.flush();
    expect([read(`${path}.old`), read(path)]).toEqual([[first], [second]]);
  });

  it("counts what it cannot write, never throws, and tries again some seconds later", () => {
    const dir = newDir();
    writeFileSync(join(dir, "audit"), "a file where a directory is needed");
    const { sink, world } = open(join(dir, "audit", "events.jsonl"));
    const [first, second, third] = events(3);
    for (const event of [first, second]) if (event !== undefined) sink.write(event);
    expect(sink.stats).toEqual({ written: 2, dropped: 2, failures: 1 });
    rmSync(join(dir, "audit"));
    world.nowMs += 5_000;
    if (third !== undefined) sink.write(third);
    expect(read(join(dir, "audit", "events.jsonl"))).toEqual([third]);
    expect(world.warnings).toHaveLength(1);
  });

  it("goes on in the same file when it cannot be renamed", () => {
    const dir = newDir();
    const path = join(dir, "events.jsonl");
    mkdirSync(join(dir, "events.jsonl.1", "not empty"), { recursive: true });
    const { sink } = open(path, { sizeBytesMax: 1, rotatedCountMax: 1 });
    const written = events(3);
    for (const event of written) sink.write(event);
    expect(read(path)).toEqual(written);
    expect(sink.stats).toEqual({ written: 3, dropped: 0, failures: 1 });
  });

  it.skipIf(!existsSync("/dev/full")).each([true, false])(
    "counts every event when the disk is full, sync %s",
    async (sync) => {
      const { sink } = open("/dev/full", { bufferSizeBytesMax: 1_000, sync });
      for (const event of events(20)) sink.write(event);
      await sink.flush();
      await sink.close();
      expect(sink.stats).toMatchObject({ written: 20, dropped: 20 });
      expect(sink.stats.failures).toBeGreaterThan(0);
    },
  );

  it("counts what comes after close, and closes without waiting where asked", () => {
    const path = join(newDir(), "events.jsonl");
    const { sink } = open(path, { sync: false });
    const written = events(3);
    for (const event of written.slice(0, 2)) sink.write(event);
    sink.closeNow();
    for (const event of written.slice(2)) sink.write(event);
    expect(sink.stats).toMatchObject({ written: 3, dropped: 1 });
  });
});
