import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sink } from "@handlebar/core";
import { fileSink } from "@handlebar/core/node";
import { consoleSink, httpSink, memorySink } from "@handlebar/core/sinks";
import { type AuditEvent, auditEventSchema, EVENT_KINDS } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { createEventServer } from "./event-server.ts";
import { listen } from "./node-server.ts";
import { sampleEvent } from "./sample-events.ts";
import { type SinkUnderTest, sinkContract } from "./sink-contract.ts";

describe("sampleEvent", () => {
  it.each(EVENT_KINDS)("is a well-formed %s", (kind) => {
    const event = sampleEvent(kind, { seq: 3 });
    expect(auditEventSchema.parse(event)).toEqual(event);
  });
});

describe("memorySink", () => {
  const make = (): SinkUnderTest => {
    const sink = memorySink();
    return { sink, delivered: () => sink.events };
  };
  it.each(sinkContract(make))("$name", ({ run }) => run());
});

describe("consoleSink", () => {
  it.each(sinkContract(() => ({ sink: consoleSink({ write: () => undefined }) })))("$name", ({ run }) => run());
});

describe("httpSink", () => {
  const make = async (): Promise<SinkUnderTest> => {
    const store = createEventServer();
    const server = await listen(store.handler);
    const sink = httpSink({ endpoint: server.origin, apiKey: "hb_key" });
    return { sink, delivered: () => store.events, dispose: () => server.close() };
  };
  it.each(sinkContract(make))("$name", ({ run }) => run());
});

describe("fileSink", () => {
  const make = async (): Promise<SinkUnderTest> => {
    const folder = await mkdtemp(join(tmpdir(), "handlebar-"));
    const path = join(folder, "events.jsonl");
    const delivered = async (): Promise<readonly AuditEvent[]> => {
      const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
      return lines.map((line) => JSON.parse(line) as AuditEvent);
    };
    return { sink: fileSink({ path }), delivered, dispose: () => rm(folder, { recursive: true }) };
  };
  it.each(sinkContract(make))("$name", ({ run }) => run());
});

describe("sinkContract", () => {
  const failing = async (sink: Sink, delivered?: () => readonly AuditEvent[]): Promise<readonly string[]> => {
    const names: string[] = [];
    for (const { name, run } of sinkContract(() => ({ sink, delivered }), { deadlineMs: 20 })) {
      await run().catch(() => names.push(name));
    }
    return names;
  };

  it("finds a sink that throws", async () => {
    const sink: Sink = { write: (event) => void JSON.stringify(event) };
    expect(await failing(sink)).toEqual([
      "write takes hostile payloads without throwing: huge, deep, circular, BigInt, getters that throw",
    ]);
  });

  it("finds a sink that never finishes", async () => {
    let isClosed = false;
    const sink: Sink = { write: () => undefined, flush: () => (isClosed ? undefined : new Promise(() => undefined)) };
    isClosed = false;
    expect(await failing(sink)).toContain("flush resolves with nothing written, and twice");
  });

  it("finds a sink that loses, doubles or changes events", async () => {
    const kept: AuditEvent[] = [];
    const reversed: Sink = { write: (event) => void kept.unshift(event), close: () => undefined };
    expect(await failing(reversed, () => kept)).toContain("order is kept and nothing is lost or doubled");
    const lossy: Sink = { write: () => undefined };
    expect(await failing(lossy, () => [])).toEqual([
      "flush delivers what was written",
      "order is kept and nothing is lost or doubled",
      "close delivers what was written without a flush",
    ]);
    const meddling: Sink = { write: (event) => void Object.assign(event, { seq: 99 }) };
    expect(await failing(meddling)).toEqual(["write does not change the event"]);
  });
});
