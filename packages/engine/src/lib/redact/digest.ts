import { DETECTOR_IDS } from "@handlebar/protocol";
import { detect } from "../detectors/detect.ts";
import type { RedactOptions } from "./redaction.ts";

const HASH_LENGTH_MIN = 8;
const HASH_LENGTH_MAX = 16;
const MARK = /^\[hash:[0-9a-f]{8,16}\]$/;

/** What `method: "hash"` writes for a text; `undefined` when there is no digest to write. */
export function digestMark(text: string, hash: RedactOptions["hash"]): string | undefined {
  if (hash === undefined) return undefined;
  try {
    const digits = hash(text).toLowerCase();
    if (!/^[0-9a-f]{8}/.test(digits)) return undefined;
    const end = digits.search(/[^0-9a-f]/);
    const length = Math.min(end < HASH_LENGTH_MIN ? digits.length : end, HASH_LENGTH_MAX);
    return `[hash:${digits.slice(0, length)}]`;
  } catch {
    return undefined;
  }
}

/** Whether a value is a digest's mark and nothing that only looks like one: a card number between `[hash:` and `]` is not. */
export function isDigestMark(value: unknown, properties: readonly string[]): boolean {
  if (typeof value !== "string" || !MARK.test(value)) return false;
  return properties.every((property) => detect(value, DETECTOR_IDS, { property }).findings.length === 0);
}
