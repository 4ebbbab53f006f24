import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openWebhookTransport } from "./webhook-transport.ts";

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let port = 0;
let handle: Handle;
let seen: { readonly host: string | undefined; readonly body: string; readonly remote: string | undefined }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += String(chunk);
    });
    request.on("end", () => {
      seen.push({ host: request.headers.host, body, remote: request.socket.localAddress });
      handle(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
beforeEach(() => {
  seen = [];
  handle = (_request, response) => response.writeHead(204).end();
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const LOOPBACK = ["127.0.0.0/8"];
const request = (url: string, timeoutMs = 5_000) => ({ url, headers: { "x-a": "b" }, body: '{"a":1}', timeoutMs });

describe("the way to webhooks", () => {
  it("leads to networks that the configuration names", async () => {
    const transport = openWebhookTransport({ allowedNetworks: LOOPBACK });
    expect(await transport.send(request(`http://127.0.0.1:${port}/in`))).toEqual({ kind: "answered", status: 204 });
    expect(seen).toEqual([{ host: `127.0.0.1:${port}`, body: '{"a":1}', remote: "127.0.0.1" }]);
  });

  it.each(["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"])(
    "does not lead to %s",
    async (host) => {
      const answer = await openWebhookTransport({ allowedNetworks: [] }).send(request(`http://${host}:${port}/in`));
      expect([answer, seen]).toEqual([{ kind: "failed", reason: expect.stringContaining("not public") }, []]);
    },
  );

  it.each([
    ["ftp://example.com", "must begin with"],
    ["http://8.8.8.8/", "must begin with `https://`"],
    ["https://user:secret@example.com/", "must not hold a user name"],
    ["https://169.254.169.254/latest", "not public"],
    ["nonsense", "is not a URL"],
  ])("says of %s at once that it %s", (url, text) => {
    expect(openWebhookTransport({ allowedNetworks: [] }).refusalOf(url)).toContain(text);
  });

  it("asks each address that a name stands for, and none may lead within", async () => {
    const resolve = () =>
      Promise.resolve([
        { address: "8.8.8.8", family: 4 },
        { address: "127.0.0.1", family: 4 },
      ]);
    const transport = openWebhookTransport({ allowedNetworks: [], resolve });
    expect(transport.refusalOf("https://hooks.example")).toBeUndefined();
    const answer = await transport.send(request("https://hooks.example/in"));
    expect([answer, seen]).toEqual([{ kind: "failed", reason: expect.stringContaining("not public") }, []]);
  });

  it("goes to the address that was asked, whatever the name stands for a moment later", async () => {
    const answers = [[{ address: "127.0.0.1", family: 4 }], [{ address: "169.254.169.254", family: 4 }]];
    const resolve = () => Promise.resolve(answers.shift() ?? []);
    const transport = openWebhookTransport({ allowedNetworks: LOOPBACK, resolve });
    const url = `http://hooks.example:${port}/in`;
    expect(await transport.send(request(url))).toEqual({ kind: "answered", status: 204 });
    expect(seen.map(({ host, remote }) => [host, remote])).toEqual([[`hooks.example:${port}`, "127.0.0.1"]]);
    expect(await transport.send(request(url))).toEqual({
      kind: "failed",
      reason: expect.stringContaining("not public"),
    });
    expect(await transport.send(request(url))).toEqual({ kind: "failed", reason: "its name stands for no address" });
  });

  it("follows no redirect", async () => {
    handle = (_request, response) => response.writeHead(307, { location: `http://127.0.0.1:${port}/other` }).end();
    const transport = openWebhookTransport({ allowedNetworks: LOOPBACK });
    expect(await transport.send(request(`http://127.0.0.1:${port}/in`))).toEqual({ kind: "answered", status: 307 });
    expect(seen.length).toBe(1);
  });

  it("reads no more of an answer than it must, and hands on when to come again", async () => {
    handle = (_request, response) => {
      response.writeHead(503, { "retry-after": "30" });
      response.on("error", () => undefined);
      const chunk = Buffer.alloc(60_000);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    };
    const answer = await openWebhookTransport({ allowedNetworks: LOOPBACK }).send(
      request(`http://127.0.0.1:${port}/in`),
    );
    expect(answer).toEqual({ kind: "answered", status: 503, retryAfterSeconds: 30 });
  });

  it("gives up in time on an answer, and on a name, that does not come", async () => {
    handle = () => undefined;
    const transport = openWebhookTransport({ allowedNetworks: LOOPBACK });
    const late = { kind: "failed", reason: "no answer in time" };
    expect(await transport.send(request(`http://127.0.0.1:${port}/in`, 50))).toEqual(late);
    const resolve = () => new Promise<never>(() => undefined);
    const nowhere = openWebhookTransport({ allowedNetworks: LOOPBACK, resolve });
    expect(await nowhere.send(request("https://hooks.example/in", 50))).toEqual(late);
  });

  it("says the kind of a failure and nothing that the network said", async () => {
    const transport = openWebhookTransport({ allowedNetworks: LOOPBACK });
    const closed = await transport.send(request("http://127.0.0.1:1/in"));
    expect(closed).toEqual({ kind: "failed", reason: "could not be reached (ECONNREFUSED)" });
  });
});
