import * as z from "zod";

/** Metrics that Handlebar measures itself. */
export const METRIC_NAMES = [
  "bytes_in",
  "bytes_out",
  "duration_ms",
  "records_in",
  "records_out",
  "llm_tokens_in",
  "llm_tokens_out",
  "llm_cost_usd",
] as const;
export type StandardMetric = (typeof METRIC_NAMES)[number];

/** A metric's name: one of `METRIC_NAMES` or the user's own, `snake_case`, at most 64 characters. */
export const metricNameSchema: z.ZodString = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9_]*$/, "use lower-case letters, digits and `_`, starting with a letter");

/** Metric values of one call. */
export const metricsSchema = z.record(metricNameSchema, z.number());
export type Metrics = Readonly<Record<string, number>>;
