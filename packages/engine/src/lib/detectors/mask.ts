import type { DetectorId } from "@handlebar/protocol";
import { MARKER_START } from "./context.ts";
import type { Finding } from "./finding.ts";

/** What stands in the place of a finding: `[redacted:<id>]`, which no detector finds. */
export function redactionMark(id: DetectorId): string {
  return `${MARKER_START}${id}]`;
}

/**
 * The text with each finding replaced, everything else as it was.
 *
 * With the default replacement it is idempotent: the detectors that gave the findings find nothing in the result.
 *
 * @param findings - of this text, in order and not overlapping, as `detect` gives them.
 * @param how - what to write instead of what was found; by default `[redacted:<id>]`.
 */
export function maskText(
  text: string,
  findings: readonly Finding[],
  how: (id: DetectorId, matched: string) => string = redactionMark,
): string {
  if (findings.length === 0) return text;
  let masked = "";
  let done = 0;
  for (const { id, start, end } of findings) {
    masked += text.slice(done, start) + how(id, text.slice(start, end));
    done = end;
  }
  return masked + text.slice(done);
}
