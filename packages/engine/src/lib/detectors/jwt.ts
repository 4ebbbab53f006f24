import { decodeBase64 } from "./base64.ts";
import { JOINER, kindAt } from "./characters.ts";
import type { Detector, Found } from "./detector.ts";
import type { Scan } from "./scan.ts";

/** How `{"` starts in base64: every header does. */
const HEADER_START = "eyJ";
/** Parts of a signed and of an encrypted token. */
const SIGNED_PARTS = 3;
const ENCRYPTED_PARTS = 5;

/** Whether a part decodes to a JOSE header: an object that names an algorithm. */
function isHeader(part: string): boolean {
  return part.startsWith(HEADER_START) && (decodeBase64(part)?.includes('"alg"') ?? false);
}

const isBase64Url = (part: string | undefined): part is string =>
  part !== undefined && decodeBase64(part) !== undefined;

/** How many parts the token that starts with this one has; 0 when none does. The signature may be empty. */
function partsFrom(parts: readonly string[], first: number, skipped: number): number {
  const [header = "", payload, signature] = parts.slice(first, first + SIGNED_PARTS);
  if (!payload || !isHeader(header.slice(skipped)) || !isBase64Url(payload) || !isBase64Url(signature)) return 0;
  const rest = parts.slice(first + SIGNED_PARTS, first + ENCRYPTED_PARTS);
  const isEncrypted = rest.length === ENCRYPTED_PARTS - SIGNED_PARTS && rest.every((part) => part && isBase64Url(part));
  return isEncrypted && !rest.some((part) => part.startsWith(HEADER_START)) ? ENCRYPTED_PARTS : SIGNED_PARTS;
}

/** Where a header can start in a part: at its start or behind a `-` or `_` (`session_eyJ...`). */
function headerStart(part: string): number {
  const at = part.indexOf(HEADER_START);
  return at > 0 && (kindAt(part, at - 1) & JOINER) !== 0 ? at : 0;
}

/** Looks at every dot-separated part once. */
function findInParts(joined: string, offset: number, found: Found): void {
  const parts = joined.split(".");
  let start = offset;
  for (let i = 0; i < parts.length; ) {
    const skipped = headerStart(parts[i] ?? "");
    const count = partsFrom(parts, i, skipped);
    const taken = Math.max(1, count);
    const end = start + parts.slice(i, i + taken).join(".").length;
    if (count > 0) found(start + skipped, end);
    i += taken;
    start = end + 1;
  }
}

/** A `~` ends a token: what selective disclosure appends follows it. */
function findTokens({ text, census }: Scan, found: Found): void {
  for (let i = 0; i < census.runs.length; i += 2) {
    let start = census.runs[i] ?? 0;
    const run = text.slice(start, census.runs[i + 1]);
    if (!run.includes(HEADER_START)) continue;
    for (const joined of run.split("~")) {
      findInParts(joined, start, found);
      start += joined.length + 1;
    }
  }
}

export const JWT: Detector = { id: "jwt", searches: [{ regexes: [], find: findTokens }] };
