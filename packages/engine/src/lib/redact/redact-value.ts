import { DETECTOR_IDS, type Redaction } from "@handlebar/protocol";
import { parsePath } from "../path.ts";
import { mapPath } from "../path-map.ts";
import { type RedactionResult, type RedactOptions, Redactor, UNSCANNED } from "./redaction.ts";
import { scrub } from "./scrub.ts";

/**
 * Takes out of a value what redactions name: the findings of `detectors` (below `paths` where there are some), or the whole
 * values at `paths`. Works on any value, changes text only, and leaves the input and everything else as it is. Fails safe:
 * what cannot be looked through (bounds, cycles, throwing getters) becomes `[redacted:unscanned]`. Never throws.
 */
export function redactValue<T>(
  value: T,
  redactions: readonly Redaction[],
  options: RedactOptions = {},
): RedactionResult<T> {
  const counts: Record<string, number> = {};
  let exceeded = false;
  let current: unknown = value;
  for (const redaction of redactions) {
    const redactor = new Redactor(redaction, options, counts);
    current = applyOne(current, redaction, redactor);
    exceeded ||= redactor.exceeded;
  }
  // Only text is changed, so the type stays what it was as far as types of text are concerned.
  return { value: current as T, counts, exceeded };
}

function applyOne(value: unknown, redaction: Redaction, redactor: Redactor): unknown {
  const { paths, detectors } = redaction;
  if (paths === undefined) return scrub(value, detectors ?? DETECTOR_IDS, redactor);
  const replace =
    detectors === undefined
      ? (found: unknown): unknown => redactor.whole(found)
      : (found: unknown): unknown => scrub(found, detectors, redactor);
  let current = value;
  for (const text of paths) {
    const path = parsePath(text);
    // `compile` refuses such a path; one that gets here all the same must not let the value through.
    const mapped = typeof path === "string" ? undefined : mapPath(current, path, { replace });
    if (mapped === undefined || mapped.exceeded) {
      redactor.exceeded = true;
      return UNSCANNED;
    }
    current = mapped.value;
  }
  return current;
}
