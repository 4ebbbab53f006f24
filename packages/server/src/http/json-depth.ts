const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Whether JSON text in UTF-8 is nested deeper than `depthMax`. Looks at the bytes alone, in one pass, before anything is parsed: what
 * parses and checks values afterwards may recurse.
 */
export function isDeeperThan(bytes: Uint8Array, depthMax: number): boolean {
  let depth = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (byte === QUOTE) index = endOfString(bytes, index + 1);
    // `[` and `{`, `]` and `}`: they differ in one bit.
    else if (byte === 0x5b || byte === 0x7b) {
      depth++;
      if (depth > depthMax) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return false;
}

/** The index of the closing quote; the end of the text where there is none. */
function endOfString(bytes: Uint8Array, start: number): number {
  let index = start;
  while (index < bytes.length && bytes[index] !== QUOTE) index += bytes[index] === BACKSLASH ? 2 : 1;
  return index;
}
