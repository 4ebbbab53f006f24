import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

describe("ControlPlane", () => {
  it("answers what needs no key", async () => {
    expect(await server.call("GET", "/healthz", { key: null })).toMatchObject({ status: 200, body: { status: "ok" } });
    expect(await server.call("GET", "/readyz", { key: null })).toMatchObject({
      status: 200,
      body: { status: "ready", checks: { started: true, running: true, store: true } },
    });
    const document = await server.call("GET", "/openapi.json", { key: null });
    expect(document).toMatchObject({ status: 200, body: { openapi: "3.1.0" } });
    const page = await server.open("GET", "/docs", { key: null });
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await page.text()).toContain("/v1/keys/{keyId}/rotate");
  });

  it("gives its figures to Prometheus, by route and without what clients sent", async () => {
    // Twice, since replicas take turns.
    for (const path of ["/v1/keys", "/v1/keys", "/v1/keys/current?x=hb_sent", "/v1/keys/current?x=hb_sent"]) {
      await server.call("GET", path, path === "/v1/keys" ? {} : { key: "hb_sent" });
    }
    const metrics = await (await server.open("GET", "/metrics", { key: null })).text();
    expect(metrics).toContain('handlebar_http_requests_total{method="GET",route="/v1/keys",status="200"} ');
    expect(metrics).toContain('handlebar_http_requests_total{method="GET",route="/v1/keys/current",status="401"} ');
    expect(metrics).toMatch(new RegExp(`^handlebar_info\\{version="[^"]+",store="${server.store.kind}"\\} 1$`, "m"));
    expect(metrics).not.toContain("hb_sent");
  });

  it("registers an agent with an agent's key", async () => {
    const answer = await server.call("PUT", "/v1/agents", { key: server.keys.agent, body: { slug: "support" } });
    expect(answer).toMatchObject({
      status: 200,
      body: { agentId: expect.any(String), state: { policies: [], lockdowns: [] } },
    });
  });
});
