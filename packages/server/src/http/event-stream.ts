import { STREAM_BUFFER_SIZE_BYTES_MAX } from "../limits.ts";
import type { RouteStream } from "../routes/route.ts";
import type { FrameSink } from "../services/frame-sink.ts";
import type { StreamTarget } from "./stream-target.ts";

const HEAD = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  // Proxies such as nginx would collect what is meant to arrive at once.
  "x-accel-buffering": "no",
} as const;

/**
 * Answers with an event stream on the raw connection: a web stream between costs three times as much for each client and message.
 * @returns what ends it; `onOver` is called once, however it ended.
 */
export function serveStream(outgoing: StreamTarget, answer: RouteStream, onOver: () => void): () => void {
  let close: (() => void) | undefined;
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    onOver();
    close?.();
  };
  const end = (): void => {
    // Whoever has not read so much yet will not read the end either.
    if (isStuck(outgoing)) outgoing.destroy();
    else outgoing.end();
    over();
  };
  outgoing.on("close", over);
  outgoing.on("error", over);
  for (const [name, value] of Object.entries(HEAD)) outgoing.setHeader(name, value);
  try {
    close = answer.stream(sinkOf(outgoing, end));
  } catch (error) {
    over();
    // What was begun cannot become a refusal any more.
    if (outgoing.headersSent) outgoing.destroy();
    for (const name of Object.keys(HEAD)) if (!outgoing.headersSent) outgoing.removeHeader(name);
    throw error;
  }
  if (!outgoing.writableEnded) outgoing.flushHeaders();
  // The service may have ended the stream, or the client have gone, before there was anything to close.
  if (isOver) close();
  return end;
}

function isStuck(outgoing: StreamTarget): boolean {
  return outgoing.writableLength > STREAM_BUFFER_SIZE_BYTES_MAX;
}

function sinkOf(outgoing: StreamTarget, end: () => void): FrameSink {
  return {
    write: (frame) => {
      if (outgoing.writableEnded || outgoing.destroyed) return;
      // Whoever does not read is let go, and comes back where it stopped: memory for it has an end.
      if (isStuck(outgoing)) outgoing.destroy();
      else outgoing.write(frame);
    },
    get waitingSizeBytes() {
      return outgoing.writableLength;
    },
    end,
  };
}
