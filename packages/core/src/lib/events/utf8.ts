const encoder = new TextEncoder();
// Reused, since encoding into existing memory costs a twentieth of allocating for each event.
const scratch = new Uint8Array(16_384);

/** How many bytes a text takes in UTF-8. */
export function utf8SizeBytes(text: string): number {
  let { read, written } = encoder.encodeInto(text, scratch);
  let size = written;
  for (let at = read; at < text.length; at += read) {
    ({ read, written } = encoder.encodeInto(text.slice(at, at + scratch.length), scratch));
    size += written;
  }
  return size;
}

/** How many bytes a text takes in UTF-8 inside the quotes of a JSON string. */
export function jsonStringSizeBytes(text: string): number {
  return utf8SizeBytes(JSON.stringify(text)) - 2;
}

const CHUNK_LENGTH = 1_024;

/** The longest beginning of `text` that takes at most `sizeBytesMax` inside a JSON string; never splits a character. */
export function cutJsonString(text: string, sizeBytesMax: number): string {
  let size = 0;
  let at = 0;
  while (at < text.length) {
    const chunk = text.slice(at, chunkEnd(text, at));
    const chunkSize = jsonStringSizeBytes(chunk);
    if (size + chunkSize > sizeBytesMax) return text.slice(0, at + lengthWithin(chunk, sizeBytesMax - size));
    size += chunkSize;
    at += chunk.length;
  }
  return text;
}

function chunkEnd(text: string, start: number): number {
  const end = start + CHUNK_LENGTH;
  return isHighSurrogate(text.charCodeAt(end - 1)) ? end + 1 : end;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function lengthWithin(chunk: string, sizeBytesMax: number): number {
  let size = 0;
  let length = 0;
  for (const character of chunk) {
    size += jsonStringSizeBytes(character);
    if (size > sizeBytesMax) break;
    length += character.length;
  }
  return length;
}
