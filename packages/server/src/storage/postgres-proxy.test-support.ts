import { connect, createServer, type Socket } from "node:net";

/** A way to a PostgreSQL that can be cut. */
export interface TestProxy {
  /** The database by way of this. */
  readonly url: string;
  /** Breaks every connection; new ones are refused until `heal`. */
  cut(): void;
  /** Breaks every connection; new ones are let through. */
  breakOnce(): void;
  /** Holds back every answer until `heal`, as a network that swallows packets does. */
  stall(): void;
  heal(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** Stands between a test and the database at `target`. */
export async function openProxy(target: string): Promise<TestProxy> {
  const address = new URL(target);
  const pairs = new Set<Pair>();
  let state: "open" | "cut" | "stalled" = "open";
  const server = createServer((near) => {
    if (state === "cut") {
      near.destroy();
      return;
    }
    const pair: Pair = { near, far: connect(Number(address.port), address.hostname) };
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      near.destroy();
      pair.far.destroy();
    };
    for (const socket of [near, pair.far]) socket.on("error", end).on("close", end);
    near.pipe(pair.far);
    pair.far.pipe(near);
    if (state === "stalled") pair.far.pause().unpipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const own = server.address();
  if (own === null || typeof own === "string") throw new Error("no port is free");
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String(own.port);
  const breakAll = (): void => {
    for (const { near } of pairs) near.destroy();
  };
  return {
    url: url.href,
    cut: () => {
      state = "cut";
      breakAll();
    },
    breakOnce: breakAll,
    stall: () => {
      state = "stalled";
      for (const { near, far } of pairs) far.pause().unpipe(near);
    },
    heal: () => {
      state = "open";
      for (const { near, far } of pairs) far.pipe(near);
    },
    close: async () => {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
