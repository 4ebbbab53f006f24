import { gzipSync } from "node:zlib";
import type { Problem } from "@handlebar/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { BODY_SIZE_BYTES_MAX } from "../limits.ts";
import { type KnownIds, MARK, type RouteSample, routeSamples } from "../route-samples.fixture.ts";
import type { Route } from "../routes/route.ts";
import { createRouteTable } from "../routes/route-table.ts";
import { startTestServer, type TestAnswer, type TestRequest } from "../test-server.test-support.ts";
import { dumpWorkspace } from "../workspace-dump.test-support.ts";

const server = await startTestServer();
const routes = createRouteTable(server.services);
const known: KnownIds = { lockdownId: "", keyId: "", webhookId: "", messageId: "" };
const STREAMS = new Set(["streamState", "tailEvents"]);
const named = (route: Route): readonly [string, Route] => [`${route.method} ${route.path}`, route];
const ALL = routes.map(named);
const WITH_BODY = routes.filter(({ body }) => body !== undefined).map(named);
const WITH_QUERY = routes.filter(({ query }) => query !== undefined).map(named);
const WITH_PATH = routes.filter(({ path }) => path.includes("{")).map(named);

/** Inflates to 50 MB. */
const BOMB = new Uint8Array(gzipSync(Buffer.alloc(50_000_000)));

let stored: unknown;

beforeAll(async () => {
  // Everything that samples make, and nothing that they take away again.
  for (const { operationId } of routeSamples(known)) {
    const sample = routeSamples(known).find((one) => one.operationId === operationId);
    if (sample === undefined || STREAMS.has(operationId) || routeOf(sample).method === "DELETE") continue;
    const answer = await ask(routeOf(sample), sample);
    if (operationId === "createLockdown") known.lockdownId = read(answer, "lockdown", "lockdownId");
    if (operationId === "createWebhook") known.webhookId = read(answer, "webhook", "webhookId");
    if (operationId === "testWebhook") known.messageId = read(answer, "delivery", "messageId");
    if (operationId === "createKey") known.keyId = read(answer, "key", "keyId");
  }
  stored = await dumpWorkspace(server.store, server.workspaceId);
  expect(JSON.stringify(stored)).toContain(MARK);
});

afterAll(() => server.stop());

/** Nothing half written: what was there before the bad requests is what is there after them. */
async function expectUnchanged(): Promise<void> {
  expect(await dumpWorkspace(server.store, server.workspaceId)).toEqual(stored);
}

function routeOf({ operationId }: RouteSample): Route {
  const route = routes.find((one) => one.operationId === operationId);
  if (route === undefined) throw new Error(`there is no route ${operationId}`);
  return route;
}

function sampleOf(route: Route): RouteSample {
  const sample = routeSamples(known).find((one) => one.operationId === route.operationId);
  if (sample === undefined) throw new Error(`there is no sample of ${route.operationId}`);
  return sample;
}

function pathOf(route: Route, { params = {}, query }: Pick<RouteSample, "params" | "query">): string {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_text, name: string) => encodeURIComponent(params[name] ?? ""));
  return query === undefined ? path : `${path}?${query}`;
}

function ask(route: Route, sample: RouteSample, request: TestRequest = {}): Promise<TestAnswer> {
  return server.call(route.method, pathOf(route, sample), { body: sample.body, ...request });
}

function read(answer: TestAnswer, ...names: readonly string[]): string {
  let value: unknown = answer.body;
  for (const name of names) value = Object(value)[name];
  return String(value);
}

async function expectRefused(
  answer: TestAnswer,
  expected: Partial<Pick<Problem, "status" | "code" | "field">>,
  what = "",
): Promise<void> {
  expect(answer.headers.get("content-type"), what).toBe("application/problem+json");
  expect([what, answer.body]).toMatchObject([
    what,
    { ...expected, detail: expect.any(String), requestId: expect.any(String) },
  ]);
  const { status, code } = answer.body as Problem;
  expect([what, status]).toEqual([what, answer.status]);
  expect([what, code]).toEqual([what, expect.stringMatching(/^HB_[A-Z_]+$/)]);
  expect(answer.status, what).toBeGreaterThanOrEqual(400);
  expect(answer.status, what).toBeLessThan(500);
}

describe("every route refuses keys that do not work", () => {
  const unknown = `hb_aaaaaaaaaa_${"a".repeat(43)}`;

  it.each(ALL)("%s", async (_name, route) => {
    const sample = sampleOf(route);
    const otherSecret = `${server.keys.admin.slice(0, -43)}${"A".repeat(43)}`;
    for (const key of [null, "", "x", "hb_", unknown, otherSecret, `${server.keys.admin}x`]) {
      await expectRefused(await ask(route, sample, { key }), { status: 401, code: "HB_API_AUTH" }, String(key));
    }
    const basic = { key: null, headers: { authorization: `Basic ${server.keys.admin}` } };
    await expectRefused(await ask(route, sample, basic), { status: 401, code: "HB_API_AUTH" }, "basic");
  });

  it("keys that were revoked or have expired", async () => {
    const { store, services, workspaceId, runtime } = server;
    for (const how of [{ revokedAtMs: runtime.nowMs() }, { expiresAtMs: runtime.nowMs() - 1 }]) {
      const { key, secret } = await services.keys
        .issue({ workspaceId: "ended", name: "ended", scopes: ["admin"] })
        .catch(async () => {
          await store.workspaces.create({ workspaceId: "ended", name: "ended", createdAtMs: 0 });
          return services.keys.issue({ workspaceId: "ended", name: "ended", scopes: ["admin"] });
        });
      await store.keys.end("ended", key.keyId, how);
      await services.feed.refresh("ended");
      for (const [name, route] of ALL) {
        await expectRefused(
          await ask(route, sampleOf(route), { key: secret }),
          { status: 401, code: "HB_API_AUTH" },
          name,
        );
      }
    }
    expect(workspaceId).not.toBe("ended");
  });
});

describe("every route with a body refuses", () => {
  const bad = (route: Route, request: TestRequest): Promise<TestAnswer> =>
    ask(route, { ...sampleOf(route), body: {} }, request);
  const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));

  it.each(WITH_BODY)("%s: what is not its JSON", async (_name, route) => {
    for (const body of ["text", 7, null, true, [], [{}]]) {
      await expectRefused(
        await bad(route, { body }),
        { status: 400, code: "HB_REQUEST_INVALID", field: "body" },
        JSON.stringify(body),
      );
    }
    for (const text of ["{", "{'a':1}", "nul", '{"a":1}{"b":2}', "\u0000"]) {
      await expectRefused(await bad(route, { bytes: bytes(text) }), { status: 400, code: "HB_REQUEST_INVALID" }, text);
    }
    await expectRefused(await bad(route, { bytes: new Uint8Array([0x7b, 0xff, 0x7d]) }), {
      status: 400,
      code: "HB_REQUEST_INVALID",
    });
    await expectRefused(await bad(route, { bytes: new Uint8Array(0) }), {
      status: 400,
      code: "HB_REQUEST_INVALID",
      field: "body",
    });
    await expectUnchanged();
  });

  it.each(WITH_BODY)("%s: bodies that are too large or too deep, however they come", async (_name, route) => {
    const long = `{"x":"${"x".repeat(route.bodySizeBytesMax ?? BODY_SIZE_BYTES_MAX)}"}`;
    const encoded = { "content-encoding": "gzip" };
    const requests: readonly TestRequest[] = [
      { bytes: bytes(long) },
      { bytes: new Uint8Array(gzipSync(long)), headers: encoded },
      { bytes: BOMB, headers: encoded },
      { bytes: bytes(`${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`) },
      { bytes: bytes("[".repeat(100_000)) },
    ];
    for (const request of requests)
      await expectRefused(await bad(route, request), { status: 413, code: "HB_REQUEST_TOO_LARGE" });
    await expectUnchanged();
  });

  it.each(WITH_BODY)("%s: other media types and encodings", async (_name, route) => {
    const body = JSON.stringify(sampleOf(route).body);
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/xml",
    ]) {
      const answer = await bad(route, { bytes: bytes(body), headers: { "content-type": type } });
      await expectRefused(answer, { status: 415, code: "HB_REQUEST_MEDIA_TYPE" }, type);
    }
    const unknown = await bad(route, { bytes: bytes(body), headers: { "content-encoding": "br" } });
    await expectRefused(unknown, { status: 415, code: "HB_REQUEST_ENCODING" });
    const whole = gzipSync(body);
    for (const broken of [
      bytes(body),
      new Uint8Array(whole.subarray(0, -5)),
      new Uint8Array(whole.map((byte, at) => (at > 12 ? byte ^ 0x55 : byte))),
    ]) {
      const answer = await bad(route, { bytes: broken, headers: { "content-encoding": "gzip" } });
      await expectRefused(answer, { status: 400, code: "HB_REQUEST_ENCODING" });
    }
    await expectUnchanged();
  });

  it.each(WITH_BODY)("%s: fields that are missing, of a wrong type or unknown, by name", async (_name, route) => {
    const { body = {} } = sampleOf(route);
    for (const field of Object.keys(body)) {
      const { [field]: _gone, ...rest } = body;
      const isOptional =
        route.body?.safeParse(route.upgrade === undefined ? rest : route.upgrade(rest)).success === true;
      if (!isOptional) {
        const answer = await bad(route, { body: rest });
        await expectRefused(answer, { status: 400, code: "HB_REQUEST_INVALID" }, `without ${field}`);
        expect((answer.body as Problem).field).toMatch(new RegExp(`^${field}`));
      }
      for (const value of [[[]], { "": 1 }, -1.5, true]) {
        const given = { ...body, [field]: value };
        if (route.body?.safeParse(route.upgrade === undefined ? given : route.upgrade(given)).success === true)
          continue;
        const answer = await bad(route, { body: given });
        await expectRefused(answer, { status: 400, code: "HB_REQUEST_INVALID" }, `${field}: ${JSON.stringify(value)}`);
        expect((answer.body as Problem).field).toMatch(new RegExp(`^${field}`));
      }
    }
    if (route.tag !== "Older clients") {
      const answer = await bad(route, { body: { ...body, unknownField: 1 } });
      await expectRefused(answer, { status: 400, code: "HB_REQUEST_INVALID", field: "unknownField" });
    }
    await expectUnchanged();
  });
});

describe("every route refuses", () => {
  it.each(WITH_QUERY)("%s: queries that it does not know, and values that cannot be", async (_name, route) => {
    const sample = sampleOf(route);
    const unknown = await ask(route, { ...sample, query: [sample.query, "nothing=1"].filter(Boolean).join("&") });
    await expectRefused(unknown, { status: 400, code: "HB_REQUEST_INVALID", field: "nothing" });
    // What a stream lets through it does not end, and what another method lets through it does.
    const isRead = route.method === "GET" && !STREAMS.has(route.operationId);
    const fields = route.query instanceof z.ZodObject && isRead ? Object.keys(route.query.shape) : [];
    for (const field of fields) {
      for (const value of ["", "%00", "-1", "x".repeat(2000), "1e999", `a&${field}=b`]) {
        const others = (sample.query ?? "").split("&").filter((pair) => pair !== "" && !pair.startsWith(`${field}=`));
        const answer = await ask(route, { ...sample, query: [...others, `${field}=${value}`].join("&") });
        if (answer.status >= 400)
          await expectRefused(answer, { status: 400, code: "HB_REQUEST_INVALID" }, `${field}=${value}`);
      }
    }
    await expectUnchanged();
  });

  it.each(WITH_PATH)("%s: ids that cannot be ids, and ids of nothing", async (_name, route) => {
    const sample = sampleOf(route);
    for (const name of Object.keys(sample.params ?? {})) {
      for (const value of ["\u0000", "a\nb", "x".repeat(300)]) {
        const answer = await ask(route, { ...sample, params: { ...sample.params, [name]: value } });
        await expectRefused(answer, { status: 400, code: "HB_REQUEST_INVALID", field: name }, value);
      }
      // A run is made by whoever names it first.
      if (name === "runId" && route.method === "POST") continue;
      if (route.operationId === "putPolicy") continue;
      for (const value of ["no-such-thing", "../../healthz", "%", "ä'\"--", "__proto__"]) {
        const answer = await ask(route, { ...sample, params: { ...sample.params, [name]: value } });
        await expectRefused(answer, { status: 404, code: "HB_NOT_FOUND" }, value);
      }
    }
    await expectUnchanged();
  });

  it.each(ALL)("%s: what belongs to another workspace", async (_name, route) => {
    const key = await server.keyFor(["admin"], `beside-${route.operationId}`);
    const sample = sampleOf(route);
    if (route.operationId === "tailEvents") return;
    const answer = await ask(route, sample, { key });
    expect(answer.status).toBeLessThan(500);
    const isEcho = sample.body !== undefined && JSON.stringify(sample.body).includes(MARK);
    if (!isEcho) expect(JSON.stringify(answer.body)).not.toContain(MARK);
    const isMade =
      sample.body !== undefined &&
      (sample.params === undefined || route.operationId === "putPolicy" || "runId" in sample.params);
    if (sample.params !== undefined && !isMade) await expectRefused(answer, { status: 404, code: "HB_NOT_FOUND" });
    await expectUnchanged();
  });
});
