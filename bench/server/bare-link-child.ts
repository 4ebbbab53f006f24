import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** The least that a live link can be: every `PUT` is written to every stream as it is, and answers every poll. */
const streams = new Set<ServerResponse>();
const polls = new Set<ServerResponse>();
const server = createServer((request, response) => {
  if (request.method === "GET" && request.url === "/poll") {
    polls.add(response);
    response.on("close", () => polls.delete(response));
    return;
  }
  if (request.method === "GET") {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("event: heartbeat\ndata: {}\n\n");
    streams.add(response);
    response.on("close", () => streams.delete(response));
    return;
  }
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    if (request.method === "PUT") {
      const data = JSON.stringify(JSON.parse(Buffer.concat(parts).toString("utf8")));
      const frame = Buffer.from(`event: state\ndata: ${data}\n\n`);
      for (const stream of streams) stream.write(frame);
      for (const poll of polls) poll.writeHead(200, { "content-type": "application/json" }).end(data);
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.end("{}");
  });
});
server.listen(0, "127.0.0.1", () => {
  process.send?.({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
process.on("message", () => {
  globalThis.gc?.();
  process.send?.({ rssBytes: process.memoryUsage().rss });
});
process.on("disconnect", () => process.exit(0));
