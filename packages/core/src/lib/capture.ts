import { redactValue, toPlain } from "@handlebar/engine";
import { DETECTOR_GROUPS, type EventEnvelope, type JsonValue } from "@handlebar/protocol";
import type { CaptureLevel } from "./config.ts";

/** What one event may carry of a payload, and what was taken out on the way. */
export interface Captured {
  readonly value: JsonValue | undefined;
  readonly redaction: NonNullable<EventEnvelope["redaction"]>;
}

/** Personal data and secrets; addresses of pages are neither. */
const SENSITIVE = [{ detectors: [...DETECTOR_GROUPS.pii, ...DETECTOR_GROUPS.secrets] }];

/**
 * Makes a payload fit for an event: plain JSON within bounds, findings of the detectors masked at `redacted` (kinds and
 * counts are kept), nothing at `none`. Never throws and never changes the payload. Decisions are made from the payload
 * itself, so that capture changes none.
 */
export function capture(field: string, payload: unknown, level: CaptureLevel): Captured {
  if (payload === undefined) return { value: undefined, redaction: {} };
  if (level === "none") return { value: undefined, redaction: { omitted: [field] } };
  const plain = toPlain(payload).value;
  if (level === "full") return { value: plain, redaction: {} };
  const { value, counts } = redactValue(plain, SENSITIVE);
  return { value, redaction: Object.keys(counts).length === 0 ? {} : { findings: counts } };
}

/** The `redaction` field of an event that carries several captured payloads; absent when nothing was taken out. */
export function mergeRedactions(parts: readonly Captured[]): EventEnvelope["redaction"] | undefined {
  const findings: Record<string, number> = {};
  const omitted: string[] = [];
  for (const { redaction } of parts) {
    for (const [id, count] of Object.entries(redaction.findings ?? {})) findings[id] = (findings[id] ?? 0) + count;
    omitted.push(...(redaction.omitted ?? []));
  }
  if (omitted.length === 0 && Object.keys(findings).length === 0) return undefined;
  return {
    ...(Object.keys(findings).length > 0 ? { findings } : {}),
    ...(omitted.length > 0 ? { omitted } : {}),
  };
}
