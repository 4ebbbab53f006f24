/** Whether this host can compress without a library. */
export function canCompress(): boolean {
  return typeof CompressionStream === "function";
}

/** The gzip form of a text. */
export async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
