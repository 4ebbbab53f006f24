/** One request as a handler sees it; the same over a simulated network and over a socket. */
export interface SimRequest {
  readonly method: string;
  readonly url: string;
  /** The path, ids still encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** As it was sent: compressed where `content-encoding` says so. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Fires when the client has gone: nobody will read the answer. */
  readonly signal: AbortSignal;
}

/** Writes a body that is not finished when its headers go out, such as a stream of events. */
export interface BodyWriter {
  /** Sends a chunk; false once the client has gone. */
  write(text: string): boolean;
  end(): void;
}

/** Starts writing a body; what it returns is called once when the client has gone or the body ended. */
export type StreamBody = (writer: BodyWriter) => () => void;

export interface SimResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array<ArrayBuffer> | StreamBody | undefined;
}

/** A server in memory. */
export type SimHandler = (request: SimRequest) => SimResponse | Promise<SimResponse>;

/** A handler's answer with a JSON body. */
export function jsonResponse(
  value: unknown,
  status: number = 200,
  headers: Readonly<Record<string, string>> = {},
): SimResponse {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(value) };
}

/** The request's body as text, decompressed where it is gzip. */
export async function readRequestText(request: SimRequest): Promise<string> {
  if (request.headers["content-encoding"] !== "gzip") return new TextDecoder().decode(request.body);
  const stream = new Blob([request.body]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}
