import type { FetchInit } from "@handlebar/core";
import { describe, expect, it } from "vitest";
import { createFakeClock, type FakeClock } from "./fake-clock.ts";
import type { FaultPlan } from "./network-fault.ts";
import { createRandom } from "./seeded-random.ts";
import type { BodyWriter, SimRequest } from "./sim-http.ts";
import { createSimNetwork, type SimNetwork } from "./sim-network.ts";

const API = "https://api.test";

interface World {
  readonly clock: FakeClock;
  readonly network: SimNetwork;
  readonly seen: SimRequest[];
  ask(path: string, init?: Partial<FetchInit>): Promise<Response>;
}

function world(fault?: FaultPlan, latencyMs: number = 2): World {
  const clock = createFakeClock();
  const network = createSimNetwork({ clock, random: createRandom("network"), latencyMs });
  const seen: SimRequest[] = [];
  network.serve(API, (request) => {
    seen.push(request);
    return { status: 201, headers: { etag: '"1"' }, body: `seen ${seen.length}` };
  });
  if (fault !== undefined) network.addFault(fault);
  const ask: World["ask"] = (path, init) => network.fetch(`${API}${path}`, { method: "GET", headers: {}, ...init });
  return { clock, network, seen, ask };
}

describe("createSimNetwork", () => {
  it("carries a request to its handler and the answer back, in the clock's time", async () => {
    const { clock, network, seen, ask } = world();
    const answer = await clock.runUntil(
      ask("/v1/x?a=1", { method: "POST", headers: { "X-Name": "v" }, body: "hello" }),
    );
    expect([answer.status, answer.headers.get("etag"), await answer.text()]).toEqual([201, '"1"', "seen 1"]);
    expect(clock.elapsedMs).toBe(4);
    const [request] = seen;
    expect([request?.method, request?.path, request?.query.get("a"), request?.headers]).toEqual([
      "POST",
      "/v1/x",
      "1",
      { "x-name": "v" },
    ]);
    expect(network.requests).toMatchObject([
      {
        index: 0,
        atMs: 0,
        endedAtMs: 4,
        text: "hello",
        faults: [],
        deliveredCount: 1,
        outcome: "answered",
        status: 201,
      },
    ]);
  });

  it("refuses connections where nothing is served", async () => {
    const { clock, network } = world();
    const asked = network.fetch("https://nowhere.test/", { method: "GET", headers: {} });
    await expect(clock.runUntil(asked)).rejects.toMatchObject({ name: "TypeError", cause: { code: "ECONNREFUSED" } });
    network.remove(API);
    await expect(clock.runUntil(network.fetch(API, { method: "GET", headers: {} }))).rejects.toThrow("fetch failed");
  });

  it("answers 500 where a handler throws, and without a body where the status has none", async () => {
    const { clock, network, ask } = world();
    network.serve(API, (request) => {
      if (request.path === "/none") return { status: 304, headers: { etag: '"2"' }, body: "ignored" };
      throw new Error("broken");
    });
    expect((await clock.runUntil(ask("/"))).status).toBe(500);
    const none = await clock.runUntil(ask("/none"));
    expect([none.status, none.body, none.headers.get("etag")]).toEqual([304, null, '"2"']);
  });

  it("refuses redirects as `fetch` does with `redirect: error`", async () => {
    const { clock, network, ask } = world();
    network.serve(API, () => ({ status: 302, headers: { location: "https://elsewhere.test" } }));
    await expect(clock.runUntil(ask("/", { redirect: "error" }))).rejects.toThrow("fetch failed");
    expect((await clock.runUntil(ask("/", { redirect: "manual" }))).status).toBe(302);
  });

  it("rejects with the signal's reason, before and while a request is under way", async () => {
    const { clock, network, seen, ask } = world({ fault: { kind: "hang", delivered: true } });
    await expect(clock.runUntil(ask("/", { signal: AbortSignal.abort(new Error("no")) }))).rejects.toThrow("no");
    const abort = new AbortController();
    const asked = ask("/", { signal: abort.signal });
    asked.catch(() => undefined);
    await clock.advance(10);
    abort.abort();
    await expect(clock.runUntil(asked)).rejects.toMatchObject({ name: "AbortError" });
    expect(seen.map((request) => request.signal.aborted)).toEqual([true]);
    expect(network.requests.map((request) => request.outcome)).toEqual(["aborted", "aborted"]);
    expect(clock.pendingTimers()).toEqual([]);
  });
});

describe("faults of a simulated network", () => {
  it("drop: nothing arrives and the client sees a network error", async () => {
    const { clock, seen, ask } = world({ fault: { kind: "drop" } });
    await expect(clock.runUntil(ask("/"))).rejects.toThrow("fetch failed");
    expect(seen).toEqual([]);
  });

  it("hang: no answer ever comes", async () => {
    const { clock, network, seen, ask } = world({ fault: { kind: "hang" } });
    void ask("/");
    await clock.advance(3_600_000);
    expect([seen.length, network.requests[0]?.outcome]).toEqual([0, "pending"]);
  });

  it("reset: the work is done and the answer lost", async () => {
    const { clock, seen, ask } = world({ fault: { kind: "reset" } });
    await expect(clock.runUntil(ask("/"))).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
    expect(seen.length).toBe(1);
  });

  it("delay: a range reorders what is under way together", async () => {
    const { clock, seen, ask } = world({ fault: { kind: "delay", ms: [0, 100] } });
    await clock.runUntil(Promise.all(Array.from({ length: 20 }, (_, at) => ask(`/${at}`))));
    const order = seen.map((request) => Number(request.path.slice(1)));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at));
    expect(order).not.toEqual([...order].sort((a, b) => a - b));
  });

  it("status: before the server, or after it did the work", async () => {
    const { clock, network, seen, ask } = world({ fault: { kind: "status", status: 429, retryAfter: 7 }, times: 1 });
    const refused = await clock.runUntil(ask("/"));
    expect([refused.status, refused.headers.get("retry-after"), seen.length]).toEqual([429, "7", 0]);
    network.addFault({ fault: { kind: "status", status: 502, delivered: true } });
    expect([(await clock.runUntil(ask("/"))).status, seen.length]).toEqual([502, 1]);
  });

  it("garbage: a page with status 200", async () => {
    const { clock, seen, ask } = world({ fault: { kind: "garbage" } });
    const page = await clock.runUntil(ask("/"));
    expect([page.status, page.headers.get("content-type"), seen.length]).toEqual([200, "text/html", 0]);
  });

  it("duplicate: the server sees it twice, the client one answer", async () => {
    const { clock, network, seen, ask } = world({ fault: { kind: "duplicate" } });
    expect(await (await clock.runUntil(ask("/"))).text()).toBe("seen 1");
    await clock.advance(10);
    expect([seen.length, network.requests[0]?.deliveredCount]).toEqual([2, 2]);
  });

  it("slowBody and cutBody: the body comes in pieces, or ends in an error", async () => {
    const { clock, network, ask } = world({ fault: { kind: "slowBody", pieceCount: 3, everyMs: 1_000 }, times: 1 });
    const slow = await clock.runUntil(ask("/"));
    expect(await clock.runUntil(slow.text())).toBe("seen 1");
    expect(clock.elapsedMs).toBe(3_004);
    network.addFault({ fault: { kind: "cutBody", afterBytes: 3 } });
    const cut = await clock.runUntil(ask("/"));
    await expect(clock.runUntil(cut.text())).rejects.toThrow();
    expect(network.openStreamCount).toBe(0);
  });

  it("strikes by method, path, time, count, probability and predicate", async () => {
    const { clock, network, ask } = world();
    const plans: FaultPlan[] = [
      { fault: { kind: "status", status: 501 }, method: "PUT" },
      { fault: { kind: "status", status: 502 }, path: "/a" },
      { fault: { kind: "status", status: 503 }, path: /b$/, skip: 1, times: 1 },
      { fault: { kind: "status", status: 504 }, fromMs: 1_000, untilMs: 2_000 },
      { fault: { kind: "status", status: 505 }, probability: 0 },
      { fault: { kind: "status", status: 506 }, match: (request) => request.query.has("odd") },
    ];
    for (const plan of plans) network.addFault(plan);
    const status = async (path: string, init?: Partial<FetchInit>): Promise<number> =>
      (await clock.runUntil(ask(path, init))).status;
    expect([
      await status("/", { method: "PUT" }),
      await status("/a/b"),
      await status("/c"),
      await status("/c?odd"),
    ]).toEqual([501, 502, 201, 506]);
    expect([await status("/xb"), await status("/xb")]).toEqual([503, 201]);
    await clock.advance(1_000);
    expect(await status("/c")).toBe(504);
    network.clearFaults();
    expect(await status("/c")).toBe(201);
  });

  it("is the same for the same seed", async () => {
    const run = async (): Promise<unknown> => {
      const { clock, network, ask } = world({ fault: { kind: "drop" }, probability: 0.5 });
      for (let at = 0; at < 50; at++) await clock.runUntil(ask("/").catch(() => undefined));
      return network.requests.map((request) => request.outcome);
    };
    expect(await run()).toEqual(await run());
  });
});

describe("streams over a simulated network", () => {
  async function open(): Promise<
    World & { writer: BodyWriter; text: () => string; ended: () => unknown; stops: () => number }
  > {
    const made = world();
    let writer: BodyWriter | undefined;
    let stopCount = 0;
    made.network.serve(API, () => ({
      status: 200,
      headers: { "content-type": "text/event-stream" },
      body: (given) => {
        writer = given;
        return () => stopCount++;
      },
    }));
    const response = await made.clock.runUntil(made.ask("/stream"));
    let text = "";
    let ended: unknown;
    void (async () => {
      try {
        for await (const chunk of response.body ?? []) text += new TextDecoder().decode(chunk);
        ended = "closed";
      } catch (error) {
        ended = error;
      }
    })();
    if (writer === undefined) throw new Error("the stream did not start");
    return { ...made, writer, text: () => text, ended: () => ended, stops: () => stopCount };
  }

  it("brings chunks in order and at their times", async () => {
    const { clock, writer, text, ended, stops } = await open();
    writer.write("a");
    writer.write("b");
    expect(text()).toBe("");
    await clock.advance(2);
    expect(text()).toBe("ab");
    writer.end();
    await clock.advance(2);
    expect([ended(), stops()]).toEqual(["closed", 1]);
  });

  it("can be cut, and the server learns that the client has gone", async () => {
    const { clock, network, writer, ended, stops } = await open();
    network.cutStreams();
    await clock.settle();
    expect(ended()).toMatchObject({ cause: { code: "ECONNRESET" } });
    expect([stops(), writer.write("x"), network.openStreamCount]).toEqual([1, false, 0]);
  });

  it("can be left half open", async () => {
    const { clock, network, writer, text, ended } = await open();
    network.stallStreams();
    expect(writer.write("lost")).toBe(true);
    await clock.advance(60_000);
    expect([text(), ended()]).toEqual(["", undefined]);
  });
});
