import { durationSchema } from "@handlebar/protocol";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a duration such as `90s`, `1h 30m` or `500ms`; `undefined` when it is none. */
export function parseDuration(text: string): number | undefined {
  if (!durationSchema.safeParse(text).success) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    total += Number(amount) * (UNITS[unit ?? ""] ?? 0);
  return total;
}
