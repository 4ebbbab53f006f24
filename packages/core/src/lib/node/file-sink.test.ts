import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditEvent, EVENT_SCHEMA } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { fileSink } from "./file-sink.ts";

function eventOf(seq: number): AuditEvent {
  return {
    schema: EVENT_SCHEMA,
    eventId: "019b8e07-4600-7001-b885-2376275c2a14",
    seq,
    ts: "2026-01-05T12:00:00.000Z",
    agentId: "a",
    runId: "r",
    kind: "error",
    data: { code: "HB_SINK_FAILED", scope: "test", message: "x".repeat(100) },
  };
}

function seqsOf(path: string): readonly number[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => (JSON.parse(line) as { seq: number }).seq);
}

describe("fileSink", () => {
  it("makes its folder and has each line in the file before it returns", () => {
    const path = join(mkdtempSync(join(tmpdir(), "hb-file-")), "deep", "audit.jsonl");
    const sink = fileSink({ path });
    sink.write(eventOf(0));
    sink.write(eventOf(1));
    expect(seqsOf(path)).toEqual([0, 1]);
    sink.close();
    sink.close();
    sink.write(eventOf(2));
    expect(seqsOf(path)).toEqual([0, 1]);
  });

  it("goes on with a file that is there", () => {
    const path = join(mkdtempSync(join(tmpdir(), "hb-file-")), "audit.jsonl");
    for (const seq of [0, 1]) {
      const sink = fileSink({ path });
      sink.write(eventOf(seq));
      sink.close();
    }
    expect(seqsOf(path)).toEqual([0, 1]);
  });

  it("starts new files by size, keeps the newest and loses no line between them", () => {
    const folder = mkdtempSync(join(tmpdir(), "hb-file-"));
    const path = join(folder, "audit.jsonl");
    const sink = fileSink({ path, rotateSizeBytes: 700, keepCount: 2 });
    for (let seq = 0; seq < 10; seq++) sink.write(eventOf(seq));
    sink.close();
    expect(readdirSync(folder).sort()).toEqual(["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]);
    const kept = [...seqsOf(`${path}.2`), ...seqsOf(`${path}.1`), ...seqsOf(path)];
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => 10 - kept.length + index));
    expect(kept.length).toBeGreaterThan(4);
  });

  it("counts what cannot be written and writes again when it can", () => {
    const folder = mkdtempSync(join(tmpdir(), "hb-file-"));
    const path = join(folder, "blocked", "audit.jsonl");
    writeFileSync(join(folder, "blocked"), "a file where the folder should be");
    const sink = fileSink({ path });
    sink.write(eventOf(0));
    expect(sink.failedCount).toBeGreaterThanOrEqual(1);
    rmSync(join(folder, "blocked"));
    sink.write(eventOf(1));
    expect(seqsOf(path)).toEqual([1]);
  });
});
