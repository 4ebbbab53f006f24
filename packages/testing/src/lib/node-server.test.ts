import { Handlebar } from "@handlebar/core";
import { httpSink } from "@handlebar/core/sinks";
import type { AuditEvent } from "@handlebar/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { createEventServer } from "./event-server.ts";
import { listen, type NodeServer } from "./node-server.ts";
import type { SimHandler } from "./sim-http.ts";

const open: NodeServer[] = [];
async function serve(handler: SimHandler): Promise<NodeServer> {
  const server = await listen(handler);
  open.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const echo: SimHandler = (request) => ({
  status: 201,
  headers: { "x-path": request.path },
  body: `${request.method} ${new TextDecoder().decode(request.body)}`,
});

function eventOf(seq: number): AuditEvent {
  return {
    schema: "handlebar.audit.v1",
    eventId: `00000000-0000-7000-8000-${String(seq).padStart(12, "0")}`,
    seq,
    ts: "2026-01-05T12:00:00.000Z",
    agentId: "support",
    runId: "run-1",
    kind: "error",
    data: { code: "HB_SINK_FAILED", scope: "test", message: "x".repeat(200) },
  };
}

describe("listen", () => {
  it("serves a handler over a socket", async () => {
    const server = await serve(echo);
    const answer = await fetch(`${server.origin}/a/b?c=1`, { method: "POST", body: "hello" });
    expect([answer.status, answer.headers.get("x-path"), await answer.text()]).toEqual([201, "/a/b", "POST hello"]);
    expect(server.requests).toMatchObject([{ method: "POST", path: "/a/b", sizeBytes: 5, faults: [] }]);
  });

  it("streams a body and tells the handler when the client has gone", async () => {
    let stopCount = 0;
    const stopped = new Promise<void>((resolve) => {
      void serve(() => ({
        status: 200,
        body: (writer) => {
          writer.write("one ");
          writer.write("two");
          return () => {
            stopCount++;
            resolve();
          };
        },
      })).then(async ({ origin }) => {
        const abort = new AbortController();
        const answer = await fetch(origin, { signal: abort.signal });
        const first = await answer.body?.getReader().read();
        expect(new TextDecoder().decode(first?.value)).toMatch(/^one /);
        abort.abort();
      });
    });
    await stopped;
    expect(stopCount).toBe(1);
  });

  it("fails as planned: dropped, reset, refused, cut, slow, garbage, wrong status", async () => {
    let seenCount = 0;
    const server = await serve((request) => {
      seenCount++;
      return echo(request);
    });
    server.addFault({ path: "/drop", fault: { kind: "drop" } });
    server.addFault({ path: "/reset", fault: { kind: "reset" } });
    server.addFault({ path: "/cut", fault: { kind: "cutBody", afterBytes: 2 } });
    server.addFault({ path: "/slow", fault: { kind: "slowBody", pieceCount: 2, everyMs: 5 } });
    server.addFault({ path: "/garbage", fault: { kind: "garbage" } });
    server.addFault({ path: "/busy", fault: { kind: "status", status: 429, retryAfter: 3 } });
    const text = async (path: string): Promise<string> => (await fetch(`${server.origin}${path}`)).text();
    await expect(text("/drop")).rejects.toThrow();
    expect(seenCount).toBe(0);
    await expect(text("/reset")).rejects.toThrow();
    expect(seenCount).toBe(1);
    await expect(text("/cut")).rejects.toThrow();
    expect(await text("/slow")).toBe("GET ");
    expect(await text("/garbage")).toMatch(/^<!doctype html>/);
    const busy = await fetch(`${server.origin}/busy`);
    expect([busy.status, busy.headers.get("retry-after"), seenCount]).toEqual([429, "3", 3]);
    server.clearFaults();
    expect(await text("/drop")).toBe("GET ");
  });

  it("hangs until the client gives up", async () => {
    const server = await serve(echo);
    server.addFault({ fault: { kind: "hang" } });
    await expect(fetch(server.origin, { signal: AbortSignal.timeout(50) })).rejects.toThrow();
    expect(server.requests.length).toBe(1);
  });

  it("refuses connections and accepts them again on the same port", async () => {
    const server = await serve(echo);
    const { port } = server;
    await server.refuse();
    await expect(fetch(server.origin)).rejects.toThrow();
    await server.accept();
    expect([(await fetch(server.origin)).status, server.port]).toEqual([201, port]);
  });
});

describe("createEventServer", () => {
  it("takes a sink's events once, whole batches refused for one of them", async () => {
    const store = createEventServer({ isPoisoned: (event) => event.seq === 33, refuses: "batch" });
    const server = await serve(store.handler);
    server.addFault({ times: 1, fault: { kind: "reset" } });
    const sink = httpSink({
      endpoint: server.origin,
      apiKey: "hb_key",
      batchCountMax: 20,
      backoffBaseMs: 5,
      flushIntervalMs: 5,
    });
    for (let seq = 0; seq < 40; seq++) sink.write(eventOf(seq));
    await sink.close();
    const kept = store.events.filter((event) => event.runId === "run-1" && event.kind === "error");
    expect(kept.map((event) => event.seq)).toEqual(
      Array.from({ length: 40 }, (_, seq) => seq).filter((seq) => seq !== 33),
    );
    expect(store.duplicateCount).toBeGreaterThan(0);
  });

  it("refuses one event alone, bodies that are too long and what is no batch", async () => {
    const store = createEventServer({ isPoisoned: (event) => event.seq === 1, bodySizeBytesMax: 2_000 });
    const server = await serve(store.handler);
    const post = (body: string): Promise<Response> => fetch(server.origin, { method: "POST", body });
    const answer = await post(JSON.stringify({ agentId: "a", events: [eventOf(0), eventOf(1)] }));
    expect(await answer.json()).toEqual({
      accepted: 1,
      results: [{ eventId: eventOf(1).eventId, status: "rejected" }],
    });
    expect([(await post("x".repeat(2_001))).status, (await post("no")).status]).toEqual([413, 400]);
    expect([store.rejectedCount, store.gaps()]).toEqual([1, []]);
  });
});

describe("a scripted control plane behind a socket", () => {
  it("serves a client", async () => {
    const { createScriptedControlPlane } = await import("./scripted-control-plane.ts");
    const runtime = {
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      timers: {
        set: (callback: () => void, delayMs: number) => {
          const timer = setTimeout(callback, delayMs).unref();
          return { cancel: () => clearTimeout(timer) };
        },
      },
      newId: () => crypto.randomUUID(),
    };
    const plane = createScriptedControlPlane(runtime, {
      policies: [
        {
          name: "p",
          rules: [{ name: "no send", on: "tool.before", tool: { name: "send" }, effect: { type: "block" } }],
        },
      ],
    });
    const server = await serve(plane.handler);
    const hb = Handlebar.init({ agent: { slug: "support" }, apiKey: "hb_key", endpoint: server.origin });
    await hb.ready();
    const run = hb.startRun();
    expect((await run.beforeTool({ name: "send", args: {} })).verdict).toBe("BLOCK");
    await run.end();
    await hb.shutdown();
    expect(plane.events().map((event) => event.kind)).toContain("tool.decision");
    expect(plane.gaps()).toEqual([]);
  });
});
