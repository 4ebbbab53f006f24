import { HandlebarError } from "@handlebar/protocol";
import type { HttpSinkOptions } from "./http-sink-options.ts";
import { SINK_BOUNDS, SINK_TIMES } from "./sink-bounds.ts";

const DEFAULTS: Readonly<Record<NumberField, number>> = {
  ...SINK_TIMES,
  queueCountMax: SINK_BOUNDS.queueCountMax,
  queueSizeBytesMax: SINK_BOUNDS.queueSizeBytesMax,
  mustKeepSizeBytes: SINK_BOUNDS.mustKeepSizeBytes,
  batchCountMax: SINK_BOUNDS.batchCountMax,
  batchSizeBytesMax: SINK_BOUNDS.batchSizeBytesMax,
};

type NumberField =
  | keyof typeof SINK_TIMES
  | "queueCountMax"
  | "queueSizeBytesMax"
  | "mustKeepSizeBytes"
  | "batchCountMax"
  | "batchSizeBytesMax";

/** The most events that `ingestBodySchema` lets into one request. */
const INGEST_COUNT_MAX = 1_000;

/** Bounds and times with their defaults filled in. */
export interface HttpSinkSettings extends Readonly<Record<NumberField, number>> {
  readonly url: string;
  readonly flushMode: "interval" | "request";
}

/** @throws HandlebarError `HB_CONFIG_INVALID` that names the field. */
export function readSettings(options: HttpSinkOptions): HttpSinkSettings {
  const numbers: Record<NumberField, number> = { ...DEFAULTS };
  for (const field of Object.keys(DEFAULTS) as readonly NumberField[]) {
    numbers[field] = readNumber(field, options[field] ?? DEFAULTS[field]);
  }
  const { queueSizeBytesMax } = numbers;
  checkKey(options.apiKey);
  return {
    ...numbers,
    mustKeepSizeBytes: Math.min(numbers.mustKeepSizeBytes, queueSizeBytesMax / 2),
    batchCountMax: Math.min(numbers.batchCountMax, INGEST_COUNT_MAX),
    batchSizeBytesMax: Math.min(numbers.batchSizeBytesMax, queueSizeBytesMax / 2),
    url: `${readEndpoint(options.endpoint)}/v1/runs/events`,
    flushMode: options.flushMode ?? (options.waitUntil === undefined ? "interval" : "request"),
  };
}

function readNumber(field: NumberField, value: number): number {
  if (typeof value === "number" && Number.isFinite(value) && (value > 0 || field === "mustKeepSizeBytes")) return value;
  throw invalid(field, `\`${field}\` must be a number above 0; leave it out for the default ${DEFAULTS[field]}`);
}

function readEndpoint(endpoint: string): string {
  const url = typeof endpoint === "string" && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return endpoint.replace(/\/+$/, "");
  throw invalid("endpoint", `\`endpoint\` must be an http or https URL; got \`${String(endpoint)}\``);
}

function checkKey(apiKey: unknown): void {
  if (typeof apiKey === "function" || (typeof apiKey === "string" && apiKey !== "")) return;
  throw invalid("apiKey", "`apiKey` must be a text or a function that returns one; set HANDLEBAR_API_KEY or pass it");
}

function invalid(field: string, message: string): HandlebarError {
  return new HandlebarError("HB_CONFIG_INVALID", message, { field });
}
