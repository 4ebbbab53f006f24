import type { Redaction } from "@handlebar/protocol";
import { type RedactionResult, type RedactOptions, UNSCANNED } from "./redaction.ts";
import { planOf } from "./redaction-plan.ts";
import { REMOVED, Redactor } from "./redactor.ts";

const NONE: Readonly<Record<string, number>> = Object.freeze({});

/**
 * Takes out of a value what redactions name: the findings of `detectors` (below `paths` where there are some), or the whole
 * values at `paths`. Redactions add up, in no order: where several name one place, `remove` wins over `mask` over `hash`.
 *
 * Findings are looked for as `scanValue` does: in texts, in numbers as they are written (which become texts) and in names
 * of properties. `mask` writes `[redacted:<detector>]` for a finding and `[redacted]` for a whole value, `hash` writes
 * `[hash:<8 to 16 hexadecimal digits>]`, and `remove` leaves nothing: a property, an element of a list (`null` where a
 * path counts elements), or no character of a text. A text that holds JSON is a text to detectors; paths lead into it.
 *
 * Works on any value and leaves the input untouched. What did not change is handed on as it is, class instances too; one
 * that holds a finding becomes a copy with the same prototype. Fails safe: what cannot be looked through (past the bounds
 * of `VALUE_BOUNDS`, a cycle, a getter that throws) becomes `[redacted:unscanned]`, and the rest of a list or object that
 * was cut off is left out. Objects whose content is out of sight, such as bytes and streams, are handed on, and the answer
 * says `exceeded`. Redacting the result again changes nothing. Never throws. A list of redactions must not change once it was used.
 */
export function redactValue<T>(
  value: T,
  redactions: readonly Redaction[],
  options: RedactOptions = {},
): RedactionResult<T> {
  if (redactions.length === 0) return { value, counts: NONE, exceeded: false };
  const { value: redacted, counts, exceeded } = redactUnknown(value, redactions, options);
  // Text, numbers and what paths name change; the type stays true of the rest.
  return { value: redacted as T, counts, exceeded };
}

function redactUnknown(
  value: unknown,
  redactions: readonly Redaction[],
  options: RedactOptions,
): RedactionResult<unknown> {
  try {
    const plan = planOf(redactions);
    // `compile` refuses such a path; one that gets here all the same must not let the value through.
    if (plan.isBroken) return { value: UNSCANNED, counts: NONE, exceeded: true };
    const redactor = new Redactor(plan, options);
    const redacted = redactor.redact(value);
    const { counts } = redactor.counts;
    return { value: redacted === REMOVED ? undefined : redacted, counts, exceeded: redactor.exceeded };
  } catch {
    return { value: UNSCANNED, counts: NONE, exceeded: true };
  }
}
