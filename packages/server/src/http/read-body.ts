import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { BODY_DEPTH_MAX } from "../limits.ts";
import type { BodyShare } from "./body-budget.ts";
import { decodeBody } from "./decode-body.ts";
import { HttpProblem } from "./http-problem.ts";
import { isDeeperThan } from "./json-depth.ts";

/** The client went away while it sent: there is nobody to answer. */
export class ClientGone extends Error {}

export interface BodyRequest {
  readonly headers: Headers;
  /** The body's bytes as they come: Node's request, or a web request's stream. */
  readonly source: Readable | ReadableStream<Uint8Array> | null;
}

/**
 * Reads a request's JSON body within its bounds; `undefined` when it is empty.
 * @throws HttpProblem `HB_REQUEST_MEDIA_TYPE`, `HB_REQUEST_ENCODING`, `HB_REQUEST_TOO_LARGE`, `HB_REQUEST_INVALID`, `HB_OVERLOADED`.
 */
export async function readJsonBody(request: BodyRequest, sizeBytesMax: number, share: BodyShare): Promise<unknown> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > sizeBytesMax) throw tooLarge(sizeBytesMax);
  if (request.source === null) return undefined;
  const { source } = request;
  const stream = source instanceof Readable ? source : Readable.fromWeb(source as NodeReadableStream<Uint8Array>);
  const sent = await collect(stream, sizeBytesMax, share);
  if (sent.length === 0) return undefined;
  checkMediaType(request.headers.get("content-type"));
  const encoding = request.headers.get("content-encoding");
  const bytes = encoding === null ? sent : await decodeBody(sent, encoding, sizeBytesMax);
  if (bytes !== sent && !share.tryTake(bytes.length)) throw overloaded();
  return parseJson(bytes);
}

function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw invalid("the body is not UTF-8 text; send JSON in UTF-8");
  if (isDeeperThan(bytes, BODY_DEPTH_MAX)) {
    const message = `the body is nested deeper than ${BODY_DEPTH_MAX} levels; send flatter values`;
    throw new HttpProblem(413, "HB_REQUEST_TOO_LARGE", { message });
  }
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw invalid("the body is not valid JSON; send one JSON value", error);
  }
}

function checkMediaType(contentType: string | null): void {
  if (contentType === null) return;
  const mediaType = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (mediaType === "application/json" || /^application\/[\w.-]+\+json$/.test(mediaType)) return;
  const message = `a body of type \`${mediaType.slice(0, 100)}\` is not taken; send \`application/json\``;
  throw new HttpProblem(415, "HB_REQUEST_MEDIA_TYPE", { message, headers: { accept: "application/json" } });
}

function collect(stream: Readable, sizeBytesMax: number, share: BodyShare): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const onData = (chunk: Uint8Array): void => {
      sizeBytes += chunk.length;
      if (sizeBytes > sizeBytesMax) refuse(tooLarge(sizeBytesMax));
      else if (!share.tryTake(chunk.length)) refuse(overloaded());
      else chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk));
    };
    const onEnd = (): void => {
      stop();
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, sizeBytes));
    };
    const onGone = (): void => refuse(new ClientGone());
    const stop = (): void => {
      stream.off("data", onData).off("end", onEnd).off("error", onGone).off("close", onGone);
    };
    const refuse = (error: Error): void => {
      stop();
      // What is on the way still has to be read and thrown away, or the client would not see the answer.
      stream.on("error", () => undefined);
      stream.resume();
      reject(error);
    };
    stream.on("data", onData).on("end", onEnd).on("error", onGone).on("close", onGone);
  });
}

function tooLarge(sizeBytesMax: number): HttpProblem {
  const message = `the body is larger than ${sizeBytesMax} bytes; send it in parts`;
  return new HttpProblem(413, "HB_REQUEST_TOO_LARGE", { message });
}

function overloaded(): HttpProblem {
  const message = "the bodies of other requests take all memory that is set aside for them; send it again shortly";
  return new HttpProblem(429, "HB_OVERLOADED", { message, headers: { "retry-after": "1" } });
}

function invalid(message: string, cause?: unknown): HttpProblem {
  return new HttpProblem(400, "HB_REQUEST_INVALID", { message, cause });
}
