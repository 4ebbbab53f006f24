import { SCOPES, type Scope } from "@handlebar/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { type KnownIds, type RouteSample, routeSamples } from "../route-samples.fixture.ts";
import { startTestServer, type TestAnswer } from "../test-server.test-support.ts";
import type { Route } from "./route.ts";
import { createRouteTable } from "./route-table.ts";

const server = await startTestServer();
const routes = createRouteTable(server.services);
const known: KnownIds = { lockdownId: "", keyId: "", webhookId: "", messageId: "" };
const STREAMS = new Set(["streamState", "tailEvents"]);

afterAll(() => server.stop());

function routeOf({ operationId }: RouteSample): Route {
  const route = routes.find((one) => one.operationId === operationId);
  if (route === undefined) throw new Error(`there is no route ${operationId}`);
  return route;
}

function pathOf(route: Route, { params = {}, query }: RouteSample): string {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_text, name: string) => encodeURIComponent(params[name] ?? ""));
  return query === undefined ? path : `${path}?${query}`;
}

function ask(sample: RouteSample, key?: string): Promise<TestAnswer> {
  const route = routeOf(sample);
  return server.call(route.method, pathOf(route, sample), { body: sample.body, key });
}

describe("every route", () => {
  it("has a name, a summary and a path of its own", () => {
    const names = routes.map(({ operationId }) => operationId);
    const places = routes.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, "{}")}`);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(places).size).toBe(places.length);
    for (const { summary, operationId } of routes) {
      expect(summary).toMatch(/^[A-Z].*[^.]$/);
      expect(operationId).toMatch(/^[a-z][A-Za-z]+$/);
    }
  });

  it("has a sample", () => {
    const sampled = routeSamples(known).map(({ operationId }) => operationId);
    expect(routes.map(({ operationId }) => operationId).filter((name) => !sampled.includes(name))).toEqual([]);
  });

  it("answers its sample in a form that it declares", async () => {
    for (const { operationId } of routeSamples(known)) {
      const sample = routeSamples(known).find((one) => one.operationId === operationId);
      if (sample === undefined || STREAMS.has(operationId)) continue;
      const answer = await ask(sample);
      const { answers } = routeOf(sample);
      const form = Object.entries(answers).find(([status]) => Number(status) === answer.status)?.[1];
      expect({ operationId, status: answer.status, body: form === undefined ? answer.body : undefined }).toEqual({
        operationId,
        status: answer.status,
        body: undefined,
      });
      if (form?.schema !== undefined)
        expect([operationId, form.schema.safeParse(answer.body).error]).toEqual([operationId, undefined]);
      else expect([operationId, answer.body]).toEqual([operationId, undefined]);
      remember(operationId, answer.body);
    }
  });

  it("needs the scope that it declares, and no other", async () => {
    for (const sample of routeSamples(known)) {
      const { scope, orScopes = [], operationId } = routeOf(sample);
      if (scope === undefined) continue;
      const enough: readonly Scope[] = [scope, ...orScopes, "admin"];
      const others = SCOPES.filter((one) => !enough.includes(one));
      const answer = await ask(sample, await server.keyFor(others));
      expect([operationId, answer.status, answer.body]).toMatchObject([operationId, 403, { code: "HB_KEY_SCOPE" }]);
    }
  });
});

function remember(operationId: string, body: unknown): void {
  if (operationId === "createLockdown")
    known.lockdownId = (body as { lockdown: { lockdownId: string } }).lockdown.lockdownId;
  if (operationId === "createWebhook") known.webhookId = (body as { webhook: { webhookId: string } }).webhook.webhookId;
  if (operationId === "testWebhook") known.messageId = (body as { delivery: { messageId: string } }).delivery.messageId;
  if (operationId === "createKey") known.keyId = (body as { key: { keyId: string } }).key.keyId;
}
