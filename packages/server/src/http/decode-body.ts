import { promisify } from "node:util";
import { gunzip, inflate, zstdDecompress } from "node:zlib";
import { HttpProblem } from "./http-problem.ts";

type Decode = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const gzip: Decode = promisify(gunzip);
const DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ["gzip", gzip],
  ["x-gzip", gzip],
  ["deflate", promisify(inflate)],
  ["zstd", promisify(zstdDecompress)],
  ["identity", (bytes) => Promise.resolve(bytes)],
]);

/**
 * Undoes a body's `Content-Encoding`, never past `sizeBytesMax` of output.
 * @throws HttpProblem `HB_REQUEST_ENCODING`, `HB_REQUEST_TOO_LARGE`.
 */
export async function decodeBody(bytes: Buffer, encoding: string, sizeBytesMax: number): Promise<Buffer> {
  const name = encoding.trim().toLowerCase();
  const decode = DECODERS.get(name);
  if (decode === undefined) {
    const message = `the content encoding \`${name.slice(0, 100)}\` is not known; use gzip, zstd, deflate or none`;
    throw new HttpProblem(415, "HB_REQUEST_ENCODING", {
      message,
      headers: { "accept-encoding": "gzip, zstd, deflate" },
    });
  }
  try {
    return await decode(bytes, { maxOutputLength: sizeBytesMax });
  } catch (error) {
    throw undecodable(name, { sizeBytesMax, cause: error });
  }
}

function undecodable(
  name: string,
  { sizeBytesMax, cause }: { readonly sizeBytesMax: number; readonly cause: unknown },
): HttpProblem {
  if (cause instanceof RangeError) {
    const message = `the body inflates to more than ${sizeBytesMax} bytes; send it in parts`;
    return new HttpProblem(413, "HB_REQUEST_TOO_LARGE", { message, cause });
  }
  const message = `the body cannot be decoded as ${name}; send it whole, or without \`Content-Encoding\``;
  return new HttpProblem(400, "HB_REQUEST_ENCODING", { message, cause });
}
