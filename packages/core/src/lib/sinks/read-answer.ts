/** Reads a body as text, at most `sizeBytesMax` of it; `undefined` when it is longer. The rest is never downloaded. */
export async function readBounded(response: Response, sizeBytesMax: number): Promise<string | undefined> {
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let sizeBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    sizeBytes += value.byteLength;
    if (sizeBytes > sizeBytesMax) {
      reader.cancel().catch(() => undefined);
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** Lets go of a body that nobody will read, so that its connection can be used again. */
export function discardBody(response: Response): void {
  response.body?.cancel().catch(() => undefined);
}

/** JSON, or `undefined` for text that is not. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
