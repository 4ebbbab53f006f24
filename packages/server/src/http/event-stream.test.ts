import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { afterEach, describe, expect, it } from "vitest";
import { defineRoute, type RouteStream } from "../routes/route.ts";
import type { FrameSink } from "../services/frame-sink.ts";
import { serveRoutes, TEST_TOKEN } from "./http-app.test-support.ts";
import type { HttpApp } from "./http-app.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A stream that does this, on a real connection. */
async function open(
  stream: RouteStream["stream"],
  method = "GET",
): Promise<{ readonly response: Response; readonly app: HttpApp }> {
  const route = defineRoute({
    method: "GET",
    path: "/v1/stream",
    operationId: "stream",
    summary: "Streams",
    tag: "Tests",
    scope: "read",
    answers: { 200: { description: "A stream" } },
    handle: () => ({ stream }),
  });
  const app = serveRoutes([route]);
  const server = createServer(getRequestListener((request, env) => app.fetch(request, env as HttpBindings)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const headers = { authorization: `Bearer ${TEST_TOKEN}` };
  return { app, response: await fetch(`http://127.0.0.1:${port}/v1/stream`, { method, headers }) };
}

describe("event streams", () => {
  it("begin with their head, and carry frames as they are until they end", async () => {
    let closed = 0;
    const { response, app } = await open((sink) => {
      sink.write("event: a\ndata: 1\n\n");
      sink.write(new TextEncoder().encode("event: b\ndata: ä\n\n"));
      sink.end();
      sink.end();
      sink.write("too late");
      return () => {
        closed++;
      };
    });
    expect(await response.text()).toBe("event: a\ndata: 1\n\nevent: b\ndata: ä\n\n");
    expect([response.status, response.headers.get("content-type"), response.headers.get("x-accel-buffering")]).toEqual([
      200,
      "text/event-stream; charset=utf-8",
      "no",
    ]);
    expect([closed, app.streamCount]).toEqual([1, 0]);
  });

  it("begin before there is anything to say", async () => {
    let sink: FrameSink | undefined;
    const { response, app } = await open((given) => {
      sink = given;
      return () => undefined;
    });
    expect([response.status, app.streamCount]).toEqual([200, 1]);
    sink?.end();
    expect(await response.text()).toBe("");
  });

  it("close once when the client goes away", async () => {
    let closed = 0;
    const { response, app } = await open(() => () => {
      closed++;
    });
    await response.body?.cancel();
    await expect.poll(() => [closed, app.streamCount]).toEqual([1, 0]);
  });

  it("that fail before their first frame are refused, and break off after it", async () => {
    const early = await open(() => {
      throw new Error("no");
    });
    expect([early.response.status, early.response.headers.get("content-type")]).toEqual([
      500,
      "application/problem+json",
    ]);
    expect([await early.response.json(), early.app.streamCount]).toMatchObject([{ code: "HB_SERVER_FAILED" }, 0]);
    const late = open((sink) => {
      sink.write("data: 1\n\n");
      throw new Error("no");
    }).then(({ response }) => response.text());
    await expect(late).rejects.toThrow(/terminated|fetch failed/);
  });

  it("answer HEAD with their head alone", async () => {
    const { response, app } = await open(() => {
      throw new Error("nothing is opened");
    }, "HEAD");
    expect([response.status, response.headers.get("content-type"), app.streamCount]).toEqual([
      200,
      "text/event-stream",
      0,
    ]);
  });
});
