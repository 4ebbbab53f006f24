import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SEEN_TEXT_LENGTH_MAX, SEEN_VALUE_COUNT_MAX, SEEN_VALUE_LENGTH_MAX } from "../limits.ts";
import { soughtOf, TOO_LONG } from "./sought.ts";
import { TextIndex } from "./text-index.ts";

const letters = fc.string({ unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz"), minLength: 3, maxLength: 9 });
const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 4, maxLength: 12 });
const email = fc.tuple(letters, letters, letters).map(([first, last, host]) => `${first}.${last}@${host}.example`);
const iban = fc.tuple(digits, digits).map(([a, b]) => `GB29NWBK${a}${b}`);
const file = fc.tuple(letters, letters).map(([name, more]) => `${name}_${more}.docx`);
const amount = fc.integer({ min: 1, max: 1_000_000 }).map((cents) => (cents / 100).toFixed(2));
const fullName = fc.tuple(letters, letters).map(([first, last]) => `${first} ${last}`);
const named = fc.oneof(email, iban, file, amount, fullName);

/** What people put around a name. */
const around = fc.constantFrom(
  ["", ""],
  ["'", "'"],
  ['"', '"'],
  ["(", ")"],
  ["<", ">"],
  ["“", "”"],
  ["", "."],
  ["", ","],
  ["", "?"],
  ["to: ", "!"],
  ["- ", ";"],
  ["\n", "\n"],
);
const words = fc.array(letters, { maxLength: 6 }).map((list) => list.join(" "));
const mention = fc
  .record({ value: named, around, before: words, after: words })
  .map(({ value, around: [open, close], before, after }) => ({
    value,
    text: `${before} ${open}${value}${close} ${after}`,
  }));

function isIn(index: TextIndex, value: string): boolean | undefined {
  const sought = soughtOf(value);
  return sought === undefined || sought === TOO_LONG ? undefined : index.has(sought, { left: 10_000_000 });
}

function textIndex(...texts: readonly string[]): TextIndex {
  const index = new TextIndex("first");
  for (const text of texts) index.addText(text);
  return index;
}

describe("prose", () => {
  it("names what is written in it, whatever stands around it, in any case and spacing", () => {
    fc.assert(
      fc.property(mention, fc.array(words, { maxLength: 3 }), fc.boolean(), ({ value, text }, others, isUpper) => {
        const index = textIndex(...others, text, ...others);
        expect(isIn(index, isUpper ? value.toUpperCase() : ` ${value} `)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it("does not name what only begins, ends or goes on like something in it", () => {
    const more = fc.constantFrom("x", "9", ".example", "-x", "@x.example", "_1");
    fc.assert(
      fc.property(fc.oneof(email, iban, file), words, words, more, (value, before, after, addition) => {
        const index = textIndex(`${before} ${value} ${after}`);
        expect([isIn(index, `${value}${addition}`), isIn(index, `${addition}${value}`)]).toEqual([false, false]);
        expect([isIn(index, value.slice(1)), isIn(index, value.slice(0, -1))]).toEqual([false, false]);
      }),
      { numRuns: 1_000 },
    );
  });

  it("names an account number however it is grouped, there or here", () => {
    const group = (text: string, size: number, by: string): string =>
      text.match(new RegExp(`.{1,${size}}`, "g"))?.join(by) ?? text;
    fc.assert(
      fc.property(iban, fc.integer({ min: 1, max: 5 }), fc.constantFrom(" ", "-"), words, (value, size, by, before) => {
        expect(isIn(textIndex(`${before} ${group(value, size, by)}, thanks`), value)).toBe(true);
        expect(isIn(textIndex(`${before} ${value}, thanks`), group(value, size, by))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("names a stretch of its own words", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(letters, email, amount), { minLength: 1, maxLength: 12 }),
        fc.nat(),
        fc.nat(),
        (list, a, b) => {
          const [from, to] = [a % list.length, b % list.length].sort((x, y) => x - y);
          expect(isIn(textIndex(list.join(" ")), list.slice(from, (to ?? 0) + 1).join(" "))).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("any text", () => {
  const anyText = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.string({ unit: "grapheme", maxLength: 200 }),
    fc.string({ unit: fc.constantFrom(..." .,@-/:'\"#%a1\n£\u200b"), maxLength: 200 }),
  );

  it("never makes the index throw, and more of it never hides what was found", () => {
    fc.assert(
      fc.property(
        fc.array(anyText, { maxLength: 5 }),
        fc.array(anyText, { maxLength: 5 }),
        anyText,
        (texts, more, value) => {
          const before = isIn(textIndex(...texts), value);
          const after = isIn(textIndex(...texts, ...more), value);
          if (before === true) expect(after).toBe(true);
          expect(isIn(textIndex(...texts, ...more), value)).toBe(after);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("names itself, where it says something", () => {
    fc.assert(
      fc.property(anyText, anyText, (text, other) => {
        const found = isIn(textIndex(other, text), text);
        expect(found === true || soughtOf(text) === undefined).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("answers from a snapshot as it did", () => {
    fc.assert(
      fc.property(
        fc.array(anyText, { maxLength: 5 }),
        fc.array(anyText, { maxLength: 5 }),
        fc.boolean(),
        (texts, values, isRead) => {
          const index = textIndex(...texts);
          if (isRead) isIn(index, "x");
          const restored = TextIndex.restore(JSON.parse(JSON.stringify(index.snapshot())), "first");
          if (restored === undefined) throw new Error("not restored");
          for (const value of [...texts, ...values]) expect(isIn(restored, value)).toBe(isIn(index, value));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("memory", () => {
  it("is bounded, whatever and however much is fed", () => {
    const huge = fc
      .tuple(fc.string({ minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 30_000 }))
      .map(([piece, count]) => piece.repeat(count));
    const feed = fc.array(fc.oneof(huge, fc.integer({ min: 1, max: 60_000 })), { maxLength: 6 });
    fc.assert(
      fc.property(feed, fc.constantFrom("first" as const, "last" as const), (fed, keeping) => {
        const index = new TextIndex(keeping);
        for (const one of fed) {
          if (typeof one === "string") index.addText(one);
          else for (let at = 0; at < one; at += 1) index.addValue(`v${at}`);
        }
        isIn(index, "x");
        const { values, text, unread } = index.snapshot();
        if (!Array.isArray(values) || typeof text !== "string" || !Array.isArray(unread))
          throw new Error("no snapshot");
        expect(values.length).toBeLessThanOrEqual(SEEN_VALUE_COUNT_MAX);
        expect(values.every((value) => typeof value === "string" && value.length <= SEEN_VALUE_LENGTH_MAX)).toBe(true);
        expect(text.length).toBeLessThanOrEqual(SEEN_TEXT_LENGTH_MAX);
        expect(unread).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});
