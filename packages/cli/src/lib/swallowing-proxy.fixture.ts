import { createServer, request } from "node:http";

/** Something on the way to a control plane that accepts event streams and delivers nothing of them. */
export interface SwallowingProxy {
  readonly origin: string;
  /** Streams of which nothing was delivered. */
  readonly swallowedCount: number;
  stop(): Promise<void>;
}

/** A proxy on a free port; all that is no stream goes through. */
export async function startSwallowingProxy(target: string): Promise<SwallowingProxy> {
  let swallowedCount = 0;
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url = "/" } = incoming;
    const onward = request(`${target}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      if (!answer.headers["content-type"]?.startsWith("text/event-stream")) {
        answer.pipe(outgoing);
        return;
      }
      swallowedCount += 1;
      outgoing.flushHeaders();
      answer.resume();
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    get swallowedCount() {
      return swallowedCount;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
