import { gzipSync, zstdCompressSync } from "node:zlib";
import { HandlebarError } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { defineRoute, type Route } from "../routes/route.ts";
import { ServiceProblem } from "../services/problem.ts";
import { call, serveRoutes, TEST_TOKEN } from "./http-app.test-support.ts";

const echo = defineRoute({
  method: "POST",
  path: "/v1/things/{thingId}",
  operationId: "echo",
  summary: "Gives back what came",
  tag: "Tests",
  scope: "check",
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).optional(),
    kind: z.union([z.string(), z.array(z.string())]).optional(),
  }),
  body: z.strictObject({ name: z.string(), list: z.array(z.unknown()).optional() }),
  bodySizeBytesMax: 1000,
  answers: { 200: { description: "What came" } },
  handle: ({ params, query, body, principal }) => ({
    status: 200,
    body: { params, query, body, workspaceId: principal.workspaceId },
  }),
});

/** A route without a body that answers with what `run` gives or throws. */
function answering(run: Route["handle"], more: Partial<Route> = {}): Route {
  return defineRoute({
    method: "GET",
    path: "/v1/answer",
    operationId: "answer",
    summary: "Answers",
    tag: "Tests",
    scope: "read",
    answers: { 200: { description: "An answer" } },
    handle: run,
    ...more,
  });
}

const throwing = (error: Error): Route =>
  answering(() => {
    throw error;
  });

describe("HttpApp", () => {
  it("hands on path, query and body, each as its schema makes it", async () => {
    const answer = await call(serveRoutes([echo]), "POST", "/v1/things/a%2Fb%20c?limit=7&kind=x&kind=y", {
      body: { name: "x" },
    });
    expect([answer.status, answer.body]).toEqual([
      200,
      { params: { thingId: "a/b c" }, query: { limit: 7, kind: ["x", "y"] }, body: { name: "x" }, workspaceId: "w1" },
    ]);
    expect(Object.fromEntries(answer.headers)).toEqual({
      "cache-control": "no-store",
      "content-type": "application/json",
      "x-content-type-options": "nosniff",
    });
  });

  it("prefers a fixed path to an open one, whatever their order", async () => {
    const fixed = answering(() => ({ status: 200, json: '{"fixed":true}' }), {
      method: "POST",
      path: "/v1/things/fixed",
    });
    for (const routes of [
      [echo, fixed],
      [fixed, echo],
    ]) {
      expect((await call(serveRoutes(routes), "POST", "/v1/things/fixed")).body).toEqual({ fixed: true });
    }
  });

  it.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ])("decodes a body in %s", async (encoding, compress) => {
    const bytes = compress(JSON.stringify({ name: "x" }));
    const answer = await call(serveRoutes([echo]), "POST", "/v1/things/a", {
      bytes,
      headers: { "content-encoding": encoding },
    });
    expect(answer).toMatchObject({ status: 200, body: { body: { name: "x" } } });
  });

  it("lets a route turn an older client's body into today's", async () => {
    const route: Route = { ...echo, upgrade: (body) => ({ name: `was ${JSON.stringify(body)}` }) };
    const answer = await call(serveRoutes([route]), "POST", "/v1/things/a", { body: ["old"] });
    expect(answer).toMatchObject({ status: 200, body: { body: { name: 'was ["old"]' } } });
  });

  it("gives answers without a body, and with headers of their own", async () => {
    const route = answering(() => ({ status: 304, headers: { etag: '"7"', "cache-control": "no-cache" } }));
    const answer = await call(serveRoutes([route]), "GET", "/v1/answer");
    expect([answer.status, answer.body, answer.headers.get("etag"), answer.headers.get("cache-control")]).toEqual([
      304,
      undefined,
      '"7"',
      "no-cache",
    ]);
  });

  it("answers HEAD as GET, without the body", async () => {
    const answer = await call(serveRoutes([answering(() => ({ status: 200, body: { a: 1 } }))]), "HEAD", "/v1/answer");
    expect([answer.status, answer.body]).toEqual([200, undefined]);
  });
});

describe("HttpApp refuses", () => {
  it.each([
    ["a key that is missing", { token: "" }, 401, "HB_API_AUTH", undefined],
    ["a key that is wrong", { token: `${TEST_TOKEN}x` }, 401, "HB_API_AUTH", undefined],
    ["no body", {}, 400, "HB_REQUEST_INVALID", "body"],
    ["a wrong type", { body: { name: 7 } }, 400, "HB_REQUEST_INVALID", "name"],
    ["an unknown field", { body: { name: "x", nam: 1 } }, 400, "HB_REQUEST_INVALID", "nam"],
    ["text that is not JSON", { bytes: Buffer.from('{"name"') }, 400, "HB_REQUEST_INVALID", undefined],
    ["bytes that are not UTF-8", { bytes: Buffer.from([0x22, 0xff, 0x22]) }, 400, "HB_REQUEST_INVALID", undefined],
    [
      "a deep body",
      { body: { name: "x", list: JSON.parse("[".repeat(97) + "]".repeat(97)) } },
      413,
      "HB_REQUEST_TOO_LARGE",
      undefined,
    ],
    ["a long body", { body: { name: "x".repeat(1000) } }, 413, "HB_REQUEST_TOO_LARGE", undefined],
    [
      "a body of another type",
      { body: {}, headers: { "content-type": "text/plain" } },
      415,
      "HB_REQUEST_MEDIA_TYPE",
      undefined,
    ],
    ["an unknown encoding", { body: {}, headers: { "content-encoding": "br" } }, 415, "HB_REQUEST_ENCODING", undefined],
    [
      "broken gzip",
      { bytes: Buffer.from("x".repeat(50)), headers: { "content-encoding": "gzip" } },
      400,
      "HB_REQUEST_ENCODING",
      undefined,
    ],
    [
      "gzip cut short",
      { bytes: gzipSync('{"name":"xxxxxxxx"}').subarray(0, 20), headers: { "content-encoding": "gzip" } },
      400,
      "HB_REQUEST_ENCODING",
      undefined,
    ],
    [
      "a gzip bomb",
      { bytes: gzipSync("x".repeat(100_000)), headers: { "content-encoding": "gzip" } },
      413,
      "HB_REQUEST_TOO_LARGE",
      undefined,
    ],
  ] as const)("%s", async (_name, request, status, code, field) => {
    const answer = await call(serveRoutes([echo]), "POST", "/v1/things/a", request);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body).toMatchObject({
      status,
      code,
      title: expect.any(String),
      detail: expect.any(String),
      requestId: "id-1",
    });
    expect(answer.body).toHaveProperty("requestId", answer.headers.get("x-request-id"));
    if (field === undefined) expect(answer.body).not.toHaveProperty("field");
    else expect(answer.body).toHaveProperty("field", field);
  });

  it("a query that is wrong, and an id that cannot be one", async () => {
    const app = serveRoutes([echo]);
    const query = await call(app, "POST", "/v1/things/a?limit=0", { body: { name: "x" } });
    expect(query).toMatchObject({ status: 400, body: { code: "HB_REQUEST_INVALID", field: "limit" } });
    const path = await call(app, "POST", "/v1/things/a%00b", { body: { name: "x" } });
    expect(path).toMatchObject({ status: 400, body: { code: "HB_REQUEST_INVALID", field: "thingId" } });
  });

  it("all that is wrong with a body at once", async () => {
    const answer = await call(serveRoutes([echo]), "POST", "/v1/things/a", { body: { nam: 1, list: 2 } });
    expect(answer.body).toMatchObject({
      field: "name",
      issues: [
        { field: "name", message: "is required; give text" },
        { field: "list", message: "must be a list, not `2`" },
        { field: "nam", message: "unknown field; did you mean `name`?" },
      ],
    });
  });

  it("a key that lacks the scope, by name", async () => {
    const answer = await call(serveRoutes([{ ...echo, scope: "policies:write" }]), "POST", "/v1/things/a", {
      body: {},
    });
    expect(answer).toMatchObject({ status: 403, body: { code: "HB_KEY_SCOPE" } });
    expect(answer.body).toHaveProperty(
      "detail",
      "this API key lacks the scope `policies:write`; use a key that has it",
    );
  });

  it("paths and methods that do not exist", async () => {
    const app = serveRoutes([echo]);
    expect(await call(app, "GET", "/v1/nothing")).toMatchObject({ status: 404, body: { code: "HB_NOT_FOUND" } });
    const answer = await call(app, "DELETE", "/v1/things/a");
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
    expect(answer.body).toMatchObject({ code: "HB_METHOD_NOT_ALLOWED" });
  });

  it("a key's requests beyond its rate, until time has passed", async () => {
    let nowMs = 0;
    const runtime = { monotonicMs: () => nowMs, newId: () => "id" };
    const app = serveRoutes([answering(() => ({ status: 200, body: {} }))], {
      runtime,
      rateLimit: { perSecond: 2, burst: 2 },
    });
    const statuses = async (): Promise<number> => (await call(app, "GET", "/v1/answer")).status;
    expect([await statuses(), await statuses()]).toEqual([200, 200]);
    const refused = await call(app, "GET", "/v1/answer");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(refused.body).toMatchObject({ code: "HB_RATE_LIMITED" });
    nowMs = 500;
    expect([await statuses(), await statuses()]).toEqual([200, 429]);
  });

  it.each([
    [
      new ServiceProblem("conflict", "HB_CONFLICT", {
        message: "it changed",
        field: "version",
        members: { current: 3 },
      }),
      409,
      { code: "HB_CONFLICT", field: "version", current: 3, detail: "it changed" },
    ],
    [
      new ServiceProblem("too-many", "HB_OVERLOADED", { message: "wait", retryAfterSeconds: 2.2 }),
      429,
      { code: "HB_OVERLOADED" },
    ],
    [
      new HandlebarError("HB_REQUEST_INVALID", "the cursor is wrong", { field: "cursor" }),
      400,
      { code: "HB_REQUEST_INVALID", field: "cursor", detail: "the cursor is wrong" },
    ],
    [
      new HandlebarError("HB_STORE_UNAVAILABLE", "host db:5432 refused"),
      503,
      { code: "HB_STORE_UNAVAILABLE", detail: "the database does not answer" },
    ],
    [new Error("password=hunter2"), 500, { code: "HB_SERVER_FAILED" }],
  ])("what a service throws: %s", async (error, status, body) => {
    const answer = await call(serveRoutes([throwing(error)]), "GET", "/v1/answer");
    expect(answer).toMatchObject({ status, body });
    expect(JSON.stringify(answer.body)).not.toMatch(/hunter2|db:5432/);
    if (status === 429) expect(answer.headers.get("retry-after")).toBe("3");
  });

  it("everything once it stops", async () => {
    const app = serveRoutes([echo]);
    app.stop();
    const answer = await call(app, "POST", "/v1/things/a", { body: { name: "x" } });
    expect([answer.status, answer.headers.get("connection"), answer.headers.get("retry-after")]).toEqual([
      503,
      "close",
      "1",
    ]);
    expect(answer.body).toMatchObject({ code: "HB_SERVER_STOPPING" });
  });
});

const QUIET = { debug: () => undefined, info: () => undefined, warn: () => undefined };

describe("HttpApp tells", () => {
  it("the log of what failed, under the id that the client has", async () => {
    const logged: unknown[] = [];
    const error = new Error("broken");
    const app = serveRoutes([throwing(error)], { log: { ...QUIET, error: (fields) => void logged.push(fields) } });
    const answer = await call(app, "GET", "/v1/answer", { headers: { "x-request-id": "mine-1" } });
    expect(answer.body).toMatchObject({ requestId: "mine-1" });
    expect(logged).toEqual([{ err: error, requestId: "mine-1", method: "GET", path: "/v1/answer" }]);
  });

  it("observers of every request, by its route and never by what it sent", async () => {
    const seen: unknown[] = [];
    const app = serveRoutes([echo], {
      observers: [({ headers, ...request }) => seen.push({ ...request, traceparent: headers.get("traceparent") })],
    });
    await call(app, "POST", "/v1/things/secret", { body: { name: "x" }, headers: { traceparent: "00-x" } });
    await call(app, "POST", "/v1/things/secret", { body: {} });
    await call(app, "GET", "/v1/secret");
    const rest = { durationMs: 0, traceparent: null, requestId: undefined, code: undefined };
    expect(seen).toEqual([
      { ...rest, method: "POST", path: "/v1/things/{thingId}", status: 200, traceparent: "00-x" },
      {
        ...rest,
        method: "POST",
        path: "/v1/things/{thingId}",
        status: 400,
        code: "HB_REQUEST_INVALID",
        requestId: "id-1",
      },
      { ...rest, method: "GET", path: "unmatched", status: 404, code: "HB_NOT_FOUND", requestId: "id-2" },
    ]);
  });
});
