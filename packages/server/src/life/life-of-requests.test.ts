import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

const servers: TestServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function start(options: Parameters<typeof startTestServer>[0] = {}): Promise<TestServer> {
  const server = await startTestServer({ replicaCount: 1, ...options });
  servers.push(server);
  await server.call("PUT", "/v1/agents", { body: { slug: "support" } });
  return server;
}

/** Reads a stream to its end. */
async function readAll(response: Response): Promise<string> {
  return response.text();
}

describe("a stop", () => {
  it("ends streams and held polls, answers what is under way, and closes the store", async () => {
    const server = await start();
    const { revision } = (await server.call("GET", "/v1/agents/support/state")).body as { revision: number };
    const stream = await server.open("GET", "/v1/agents/support/stream");
    const reading = readAll(stream);
    const poll = server.call("GET", "/v1/agents/support/state?wait=25", {
      headers: { "if-none-match": `"${revision}"` },
    });
    await expect.poll(async () => await metric(server, "handlebar_streams_open")).toBe(1);
    const startedMs = performance.now();
    await server.stop();
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(await reading).toContain("event: state");
    expect([304, 503]).toContain((await poll).status);
    await expect(server.store.ping()).rejects.toThrow();
    await expect(server.call("GET", "/healthz")).rejects.toThrow("fetch failed");
  });

  it("waits for an answer that is under way, and not for ever", async () => {
    const server = await start({ drainTimeoutMs: 300 });
    const slow = httpRequest(`${server.origin}/v1/agents`, {
      method: "PUT",
      headers: {
        authorization: `Bearer ${server.keys.admin}`,
        "content-type": "application/json",
        "content-length": "100",
      },
    });
    const ended = new Promise<string>((resolve) => {
      slow.on("response", (response) => resolve(String(response.statusCode)));
      slow.on("error", (error) => resolve(error.message));
    });
    slow.write('{"slug":');
    await expect.poll(() => metric(server, "handlebar_http_requests_under_way")).toBe(1);
    const startedMs = performance.now();
    await server.stop();
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThanOrEqual(290);
    expect(tookMs).toBeLessThan(5000);
    expect(await ended).toMatch(/socket hang up|ECONNRESET/);
  });

  it("asked twice is one", async () => {
    const server = await start();
    await Promise.all([server.stop(), server.stop()]);
  });
});

describe("a key that ends", () => {
  it("takes its streams and held polls with it, and no others", async () => {
    const server = await start();
    const { revision } = (await server.call("GET", "/v1/agents/support/state")).body as { revision: number };
    const doomed = (await server.call("POST", "/v1/keys", { body: { name: "doomed" } })).body as {
      key: { keyId: string };
      secret: string;
    };
    const stream = await server.open("GET", "/v1/agents/support/stream", { key: doomed.secret });
    const reading = readAll(stream);
    const other = await server.open("GET", "/v1/agents/support/stream");
    const poll = server.call("GET", "/v1/agents/support/state?wait=25", {
      key: doomed.secret,
      headers: { "if-none-match": `"${revision}"` },
    });
    await expect.poll(() => metric(server, "handlebar_http_requests_under_way")).toBe(1);
    await server.call("DELETE", `/v1/keys/${doomed.key.keyId}`);
    await reading;
    expect((await poll).status).toBe(304);
    expect(await metric(server, "handlebar_streams_open")).toBe(1);
    await other.body?.cancel();
    await expect.poll(() => metric(server, "handlebar_streams_open")).toBe(0);
  });
});

describe("connections that misbehave", () => {
  it("a client that goes away while it sends leaves nothing behind", async () => {
    const server = await start();
    const socket = connect(Number(new URL(server.origin).port), "127.0.0.1");
    const head = [
      "PUT /v1/agents HTTP/1.1",
      "host: x",
      `authorization: Bearer ${server.keys.admin}`,
      "content-length: 1000",
      "",
      '{"slug":"half',
    ];
    socket.write(head.join("\r\n"));
    await expect.poll(() => metric(server, "handlebar_http_requests_under_way")).toBe(1);
    socket.destroy();
    await expect.poll(() => metric(server, "handlebar_http_requests_under_way")).toBe(0);
    expect(await metric(server, "handlebar_http_bodies_bytes")).toBe(0);
    expect((await server.call("GET", "/v1/agents/half")).status).toBe(404);
  });

  it("text that is not HTTP is refused, and the server goes on", async () => {
    const server = await start();
    const socket = connect(Number(new URL(server.origin).port), "127.0.0.1");
    const answered = new Promise<string>((resolve) => {
      let text = "";
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      socket.on("close", () => resolve(text));
    });
    socket.write("not http at all\r\n\r\n");
    expect(await answered).toContain("400 Bad Request");
    expect((await server.call("GET", "/healthz")).status).toBe(200);
  });

  it("a client that does not read its stream is let go, while others have it all", async () => {
    const server = await start();
    const socket = connect(Number(new URL(server.origin).port), "127.0.0.1");
    socket.pause();
    socket.write(
      `GET /v1/agents/support/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.keys.agent}\r\n\r\n`,
    );
    await expect.poll(() => metric(server, "handlebar_streams_open")).toBe(1);
    // Each state is large, so that the buffers of both ends fill up.
    const description = "x".repeat(60_000);
    for (let count = 0; count < 200 && (await metric(server, "handlebar_streams_open")) === 1; count++) {
      const policies = Array.from({ length: 8 }, (_, at) => ({
        name: `p${at}`,
        description: `${count} ${description.slice(0, 2000)}`,
        rules: rules(description),
      }));
      const pushed = await server.call("PUT", "/v1/policies", { body: { policies } });
      expect(pushed.status).toBe(200);
    }
    expect(await metric(server, "handlebar_streams_open")).toBe(0);
    socket.destroy();
  });
});

function rules(text: string): readonly unknown[] {
  const values = Array.from({ length: 60 }, (_, at) => `${at}${text.slice(0, 500)}`);
  return [
    {
      name: "long",
      on: "tool.before",
      when: { kind: "toolArg", path: "a", type: "string", op: "in", value: values },
      effect: { type: "block" },
    },
  ];
}

async function metric(server: TestServer, name: string): Promise<number> {
  const text = await (await server.open("GET", "/metrics", { key: null })).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}
