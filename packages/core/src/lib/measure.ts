import type { JsonValue, Metrics } from "@handlebar/protocol";

const encoder = new TextEncoder();

/** Bytes of a value's JSON text in UTF-8; 0 for no value. */
function sizeBytes(value: JsonValue | undefined): number {
  return value === undefined ? 0 : encoder.encode(JSON.stringify(value)).length;
}

/** Handlebar's own metrics of a tool call. A list has one record for each element, any other value one. */
export function toolMetrics(call: {
  readonly args: JsonValue;
  readonly result: JsonValue | undefined;
  readonly durationMs: number;
}): Metrics {
  return {
    bytes_in: sizeBytes(call.args),
    bytes_out: sizeBytes(call.result),
    records_in: countRecords(call.args),
    records_out: countRecords(call.result),
    duration_ms: call.durationMs,
  };
}

function countRecords(value: JsonValue | undefined): number {
  if (value === undefined || value === null) return 0;
  return Array.isArray(value) ? value.length : 1;
}
