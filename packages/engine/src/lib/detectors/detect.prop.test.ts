import { DETECTOR_IDS, type DetectorId } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Candidate } from "./candidate.ts";
import { DETECTORS } from "./catalogue.ts";
import { isBounded } from "./context.ts";
import { detect, findAll } from "./detect.ts";
import type { Pattern } from "./detector.ts";
import { maskText, redactionMark } from "./mask.ts";
import { Scan } from "./scan.ts";
import { scanValue } from "./scan-value.ts";

/** What detectors look for, and what they look at beside it. */
const FRAGMENTS = [
  "bob@example.com",
  "+1 415 555 0132",
  "020 7946 0958",
  "415-555-0132",
  "4111 1111 1111 1111",
  "4242424242424242",
  "DE89 3704 0044 0532 0130 00",
  "GB82WEST12345698765432",
  "123-45-6789",
  "123456789",
  "046 454 286",
  "529.982.247-25",
  "AB 12 34 56 C",
  "943 476 5919",
  "1234567T",
  "86095742719",
  "1 85 05 78 006 084 91",
  "12345678Z",
  "RSSMRA85T10A562S",
  "111222333",
  "85.07.30-033.28",
  "756.9217.0769.85",
  "811218-9876",
  "131052-308T",
  "2341 2341 2346",
  "11010519491231002X",
  "900101-1234567",
  "S1234567D",
  "8001015009087",
  "10.0.0.1",
  "2001:db8::8a2e:370:7334",
  "https://bob:hunter2@example.com/a",
  "www.example.com",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
  "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----",
  "-----BEGIN PRIVATE KEY-----",
  "AKIAIOSFODNN7EXAMPLE",
  "hf_aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
  "a1B2c3D4e5F6g7H8i9J0",
  "hunter2!x",
  "dXNlcjpodW50ZXIy",
];
const WORDS = (
  "SSN |phone |tel: |card |BSN: |IBAN |TFN |aadhaar |SIN |NHS |PESEL |id number |Steuer-ID |api_key=|token: |password=|" +
  'Authorization: Bearer |Basic |"apiKey": "|version |(SSN)|[redacted:phone]|[redacted:us_ssn]|[redacted:email]|[redacted:'
).split("|");
const GLUE = [
  " ",
  "",
  ", ",
  "-",
  ".",
  "/",
  ":",
  "\n",
  '"',
  "@",
  "(",
  ")",
  "]",
  "[",
  "=",
  "1",
  "42",
  "a",
  "B",
  "_",
  "+",
  "\u00a0",
  "\u00e9",
  "\ud83d",
  "~",
  "&",
  "%40",
];

const piece = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...FRAGMENTS) },
  { weight: 3, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 5, arbitrary: fc.constantFrom(...GLUE) },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
);
const text = fc.array(piece, { maxLength: 24, size: "max" }).map((pieces) => pieces.join(""));
const noise = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 }).map((codes) => String.fromCharCode(...codes)),
);
const anyText = fc.oneof(text, noise);
const ids = fc.oneof(
  fc.constant(DETECTOR_IDS as readonly DetectorId[]),
  fc.subarray([...DETECTOR_IDS], { minLength: 1 }),
  fc.constantFrom(...DETECTOR_IDS).map((id) => [id]),
);
const property = fc.option(fc.constantFrom("phone", "taxFileNumber", "password", "apiKey", "to", "\ud800"), {
  nil: undefined,
});

describe("detect", () => {
  it("gives findings in order that neither overlap nor leave the text", () => {
    fc.assert(
      fc.property(anyText, ids, property, (input, chosen, name) => {
        const { findings, exceeded } = detect(input, chosen, { property: name });
        expect(exceeded).toBe(false);
        let done = 0;
        for (const { id, start, end } of findings) {
          expect(chosen).toContain(id);
          expect([start >= done, end > start, end <= input.length]).toEqual([true, true, true]);
          done = end;
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("leaves nothing uncovered that one of its detectors finds alone", () => {
    fc.assert(
      fc.property(text, ids, (input, chosen) => {
        const together = detect(input, chosen).findings;
        for (const id of chosen) {
          for (const { start, end } of detect(input, [id]).findings) {
            expect(together.some((finding) => finding.start <= start && finding.end >= end)).toBe(true);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it("finds in the regions of the census what is in the whole text", () => {
    const inWhole = (input: string, { regex, verify }: Pattern): readonly (readonly [start: number, end: number])[] => {
      const spans: [number, number][] = [];
      const scan = new Scan(input, "");
      regex.lastIndex = 0;
      for (let match = regex.exec(input); match !== null; match = regex.exec(input)) {
        const [start, end] = [match.index, match.index + match[0].length];
        if (isBounded(input, start, end) && (verify?.(new Candidate(scan, start, end)) ?? true))
          spans.push([start, end]);
        else regex.lastIndex = match.index + 1;
      }
      return spans;
    };
    fc.assert(
      fc.property(text, (input) => {
        for (const { id, patterns = [] } of DETECTORS) {
          const found = new Set(findAll(input, [id], "").map(({ start, end }) => `${start}-${end}`));
          for (const pattern of patterns) {
            for (const [start, end] of inWhole(input, pattern)) {
              expect([id, pattern.regex, found.has(`${start}-${end}`)]).toEqual([id, pattern.regex, true]);
            }
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("maskText", () => {
  it("leaves everything outside the findings as it was", () => {
    fc.assert(
      fc.property(anyText, ids, (input, chosen) => {
        const { findings } = detect(input, chosen);
        let masked = maskText(input, findings);
        let done = 0;
        for (const { id, start, end } of findings) {
          const kept = input.slice(done, start) + redactionMark(id);
          expect(masked.startsWith(kept)).toBe(true);
          masked = masked.slice(kept.length);
          done = end;
        }
        expect(masked).toBe(input.slice(done));
      }),
      { numRuns: 1_000 },
    );
  });

  it("is idempotent", () => {
    fc.assert(
      fc.property(anyText, ids, property, (input, chosen, name) => {
        const options = { property: name };
        const masked = maskText(input, detect(input, chosen, options).findings);
        expect(maskText(masked, detect(masked, chosen, options).findings)).toBe(masked);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("scanValue", () => {
  it("gives each detector's findings whatever others were asked", () => {
    const value = fc.dictionary(
      fc.constantFrom("a", "phone", "password", "bob@example.com"),
      fc.oneof(text, fc.array(text, { maxLength: 2 })),
    );
    fc.assert(
      fc.property(value, fc.constantFrom(...DETECTOR_IDS), (input, id) => {
        const alone = scanValue(input, [id]);
        const together = scanValue(input);
        const count = ({ found }: typeof alone): number =>
          found.filter((finding) => finding.id === id).reduce((sum, finding) => sum + finding.count, 0);
        expect(count(together)).toBe(count(alone));
      }),
      { numRuns: 500 },
    );
  });

  it("takes any value", () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true }), (input) => {
        const { found } = scanValue(input);
        expect(Array.isArray(found)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
