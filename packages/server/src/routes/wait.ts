import * as z from "zod";
import { WAIT_SECONDS_MAX } from "../limits.ts";

/** `?wait=`: seconds that the answer may be held for a change; at most 30 are. */
export const waitQuerySchema: z.ZodObject<{ wait: z.ZodOptional<z.ZodCoercedNumber> }, z.core.$strict> = z.strictObject(
  { wait: z.coerce.number().min(0).max(3_600).optional() },
);

export function waitMsOf({ wait }: { readonly wait?: number | undefined }): number {
  return Math.min(wait ?? 0, WAIT_SECONDS_MAX) * 1_000;
}
