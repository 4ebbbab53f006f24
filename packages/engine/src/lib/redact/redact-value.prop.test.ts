import { DETECTOR_IDS, type DetectorId, type Redaction } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scanValue } from "../detectors/scan-value.ts";
import { redactValue } from "./redact-value.ts";

const FRAGMENTS = [
  "bob@example.com",
  "4111 1111 1111 1111",
  "4111111111111111",
  "+1 415 555 0132",
  "4155550132",
  "111222333",
  "https://10.0.0.1/?to=bob@example.com",
  "10.0.0.1",
  "DE89370400440532013000",
  "password=hunter2x",
  "[redacted:phone]",
  "[redacted:unscanned]",
  "[redacted]",
  "[hash:4111111111111111]",
  "[hash:0123abcd]",
  "phone",
  "bsn",
  "ssn: ",
  " ",
  "-",
  "@",
  "a",
  "1",
];
const text = fc
  .array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...FRAGMENTS) }, fc.string({ maxLength: 4 })), {
    maxLength: 6,
  })
  .map((pieces) => pieces.join(""));
const name = fc.oneof(fc.constantFrom("a", "b", "c", "phone", "password", "0", "__proto__"), text);
const leaf = fc.oneof(
  { weight: 6, arbitrary: text },
  fc.constantFrom(4_111_111_111_111_111, 4_155_550_132, 111_222_333, 4_111_111_111_111_111n, null, undefined, true, -0),
  fc.double(),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(name, tie("value"), { maxKeys: 4 }),
    fc.array(fc.tuple(text, tie("value")), { maxLength: 2 }).map((entries) => new Map(entries)),
    fc.dictionary(fc.constantFrom("a", "b", "c"), leaf, { maxKeys: 3 }).map(jsonOf),
  ),
}));
function jsonOf(object: object): string {
  return JSON.stringify(object, (_key, item: unknown) => (typeof item === "bigint" ? String(item) : item));
}
const path = fc
  .array(fc.constantFrom("a", "b", "c", "*", "0", "[]", "[0]", "[1]"), { minLength: 1, maxLength: 3 })
  .chain((steps) => fc.boolean().map((isDeep) => (isDeep ? [...steps, "**"] : steps)))
  .map((steps) =>
    steps.reduce((joined, step) => `${joined}${joined === "" || step.startsWith("[") ? "" : "."}${step}`, ""),
  );
const paths: fc.Arbitrary<string[]> = fc.oneof(
  fc.array(path, { minLength: 1, maxLength: 2 }),
  fc.constant<string[]>(["**"]),
);
const ids: fc.Arbitrary<DetectorId[]> = fc.oneof(
  fc.constant<DetectorId[]>([...DETECTOR_IDS]),
  fc.subarray([...DETECTOR_IDS], { minLength: 1 }),
  fc.constantFrom(...DETECTOR_IDS).map((id) => [id]),
);
const method = fc.constantFrom("mask" as const, "hash" as const, "remove" as const);
const redaction: fc.Arbitrary<Redaction> = fc.oneof<fc.Arbitrary<Redaction>[]>(
  fc.record({ detectors: ids, method }),
  fc.record({ paths, method }),
  fc.record({ detectors: ids, paths, method }),
);
const redactions = fc.array(redaction, { minLength: 1, maxLength: 3 });
/** Digests of digits alone, so that detectors find some of them. */
const hash = (matched: string): string => {
  let sum = 7;
  for (const char of matched) sum = (sum * 31 + char.charCodeAt(0)) % 9_999_999_967;
  return String(sum).padStart(16, sum % 2 === 0 ? "0" : "a");
};

describe("redactValue", () => {
  it("changes nothing when it is done again", () => {
    fc.assert(
      fc.property(value, redactions, (input, chosen) => {
        const once = redactValue(input, chosen, { hash });
        const twice = redactValue(once.value, chosen, { hash });
        expect(twice.value).toEqual(once.value);
        expect(Object.values(twice.counts)).toEqual([]);
      }),
      { numRuns: 4_000 },
    );
  });

  it("leaves nothing to find", () => {
    fc.assert(
      fc.property(value, ids, method, (input, detectors, how) => {
        const { value: redacted } = redactValue({ input }, [{ detectors, method: how }], { hash });
        expect(scanValue(withoutMaps(redacted), detectors).found).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
  });

  it("leaves its input untouched and hands on what it did not change", () => {
    fc.assert(
      fc.property(value, redactions, (input, chosen) => {
        const before = printed(input);
        const result = redactValue(input, chosen, { hash });
        expect(printed(input)).toBe(before);
        if (Object.keys(result.counts).length === 0 && !result.exceeded) expect(result.value).toBe(input);
      }),
      { numRuns: 2_000 },
    );
  });
});

function withoutMaps(input: unknown): unknown {
  if (input instanceof Map) return [...input].map(([key, item]) => ({ key, item: withoutMaps(item) }));
  if (Array.isArray(input)) return input.map(withoutMaps);
  if (typeof input !== "object" || input === null) return input;
  return Object.fromEntries(Object.entries(input).map(([key, item]) => [key, withoutMaps(item)]));
}

function printed(input: unknown): string {
  return (
    JSON.stringify(withoutMaps(input), (_key, item: unknown) => (typeof item === "bigint" ? `${item}n` : item)) ?? ""
  );
}
