import type { ToolFacts } from "@handlebar/engine";
import fc from "fast-check";

/** Few names, so that policies and calls meet. */
export const TOOLS: readonly ToolFacts[] = [
  { name: "pay", tags: ["money", "external"] },
  { name: "pay_back", tags: ["money"] },
  { name: "send_mail", tags: ["external", "mail"] },
  { name: "read_page", tags: ["web"] },
  { name: "wipe", tags: [] },
  { name: "Ünïcode", tags: ["web", "external"] },
];
export const TAGS = ["money", "external", "mail", "web"] as const;
export const LABELS = ["untrusted", "private", "seen"] as const;
export const SLUGS = ["support", "billing"] as const;
export const AGENT_TAGS = ["eu", "beta"] as const;
export const METRICS = ["bytes_out", "llm_tokens_in", "spend"] as const;
export const SIGNALS = ["risk", "mood"] as const;
export const CUSTOMS = ["office", "frozen"] as const;
/** Values that `argFrom` traces: each one word of its own. */
export const REFS = ["kestrelwing", "bluefintuna", "marigoldbud", "obsidianrock"] as const;
export const WORDS = [
  "alpha",
  "Beta",
  "gamma ray",
  "",
  "mail a@example.com",
  "a@example.com or b@example.com",
  "x1",
] as const;
export const GLOBS = ["*", "pay", "pay*", "*mail", "?ipe", "*_*", "read_page", "Ün?code", "*a*e*", "nothing"] as const;
/** Mean the same to RE2 and to the host. */
export const PATTERNS = ["^a", "a$", "[0-9]+", "beta|gamma", "m.i?l", "^$"] as const;
export const ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"] as const;
export const ARG_PATHS = [
  "amount",
  "to",
  "tags",
  "tags[]",
  "tags[0]",
  "items[].price",
  "items[1].price",
  "nested.deep",
  "nested.*",
  "**",
  "nested.**",
  "to.x",
] as const;

export function optional<T>(arbitrary: fc.Arbitrary<T>, absentWeight: number = 2): fc.Arbitrary<T | undefined> {
  return fc.oneof({ arbitrary: fc.constant(undefined), weight: absentWeight }, { arbitrary, weight: 1 });
}

export function some<T>(list: readonly T[], most: number = 2): fc.Arbitrary<T[]> {
  return fc.uniqueArray(fc.constantFrom(...list), { minLength: 1, maxLength: most });
}

/** An object without the fields that came out `undefined`. */
export function defined<T extends object>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T> {
  // A field that is absent and one that is `undefined` have the same type here.
  return arbitrary.map(
    (value) => Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T,
  );
}
