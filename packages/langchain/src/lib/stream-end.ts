import { isObject } from "./tool-shape.ts";

export interface StreamWatch {
  /** Each item that the caller gets. */
  readonly onItem: (item: unknown) => void;
  /** Gives the error to throw in its place. */
  readonly onFailure: (error: unknown) => unknown;
  /** The caller reads no further. */
  readonly onLeft: () => void;
  readonly onDone: () => void;
}

interface Reading {
  next?(): Promise<IteratorResult<unknown>>;
  return?(value?: unknown): Promise<unknown>;
  throw?(error?: unknown): Promise<unknown>;
  cancel?(reason?: unknown): Promise<unknown>;
  getReader?(...options: unknown[]): object;
}

/** Watches a stream that LangChain gives, in place: it stays the same object with the same class. */
export function watchStream<T extends object>(stream: T, watch: StreamWatch): T {
  if ("output" in stream && stream.output instanceof Promise) return watchOutput(stream, stream.output, watch);
  const source = stream as Reading;
  const { next, getReader } = source;
  let isWithin = false;
  if (typeof next === "function") {
    replace(stream, "next", async () => {
      // The iterator reads through the stream's own reader, which is watched too.
      isWithin = true;
      const reading = next.call(stream);
      isWithin = false;
      return watched(reading, watch);
    });
  }
  for (const name of ["return", "throw", "cancel"] as const) {
    const method = source[name];
    if (typeof method !== "function") continue;
    replace(stream, name, async (value?: unknown) => {
      try {
        return await method.call(stream, value);
      } finally {
        watch.onLeft();
      }
    });
  }
  if (typeof getReader === "function") {
    replace(stream, "getReader", (...options: unknown[]) => {
      const reader = getReader.apply(stream, options);
      return isWithin ? reader : watchReader(reader, watch);
    });
    // These read past `getReader`: what they read is passed on by a stream that reads through it.
    replace(stream, "tee", () => relay(source).tee());
    replace(stream, "pipeTo", (...args: Parameters<ReadableStream["pipeTo"]>) => relay(source).pipeTo(...args));
    replace(stream, "pipeThrough", (...args: Parameters<ReadableStream["pipeThrough"]>) =>
      relay(source).pipeThrough(...args),
    );
  }
  return stream;
}

/** A graph's run as an object: it runs by itself, and its output settles when it ends, whoever reads it. */
function watchOutput<T extends object>(stream: T, output: Promise<unknown>, watch: StreamWatch): T {
  output.then(
    () => {
      if ("interrupts" in stream) watch.onItem({ __interrupt__: stream.interrupts });
      watch.onDone();
    },
    (error: unknown) => watch.onFailure(error),
  );
  return stream;
}

function watchReader(reader: object, watch: StreamWatch): object {
  const { read, cancel } = reader as {
    read?(...options: unknown[]): Promise<IteratorResult<unknown>>;
    cancel?(reason?: unknown): Promise<unknown>;
  };
  if (typeof read === "function") {
    replace(reader, "read", (...options: unknown[]) => watched(read.apply(reader, options), watch));
  }
  if (typeof cancel === "function") {
    replace(reader, "cancel", (reason?: unknown) => {
      watch.onLeft();
      return cancel.call(reader, reason);
    });
  }
  return reader;
}

function relay(source: Reading): ReadableStream<unknown> {
  // `source` is a stream whose readers are watched.
  const reader = source.getReader?.() as ReadableStreamDefaultReader<unknown>;
  return new ReadableStream<unknown>({
    pull: async (controller) => {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

async function watched(
  reading: Promise<IteratorResult<unknown>>,
  watch: StreamWatch,
): Promise<IteratorResult<unknown>> {
  try {
    const item = await reading;
    if (item.done === true) watch.onDone();
    else watch.onItem(item.value);
    return item;
  } catch (error) {
    throw watch.onFailure(error);
  }
}

function replace(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: false });
}

/** Whether what a graph gave says that it waits for a person, in any of LangGraph's stream modes. */
export function saysInterrupt(item: unknown): boolean {
  if (Array.isArray(item)) return item.some(saysInterrupt);
  return (
    isObject(item) && "__interrupt__" in item && Array.isArray(item.__interrupt__) && item.__interrupt__.length > 0
  );
}
