import { DETECTOR_IDS, type Redaction } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { TEXT_LENGTH_MAX, VALUE_BOUNDS } from "../limits.ts";
import { redactValue } from "./redact-value.ts";
import type { RedactionResult } from "./redaction.ts";

const EMAIL = "bob@example.com";
const CARD = "4111 1111 1111 1111";
const everything: readonly Redaction[] = [{ detectors: [...DETECTOR_IDS] }];
const emails: readonly Redaction[] = [{ detectors: ["email"] }];
const hash = (text: string): string =>
  `${[...text].reduce((sum, char) => sum + char.charCodeAt(0), 0)}`.padStart(20, "a");

function redact(value: unknown, redactions: readonly Redaction[]): RedactionResult<unknown> {
  return redactValue(value, redactions, { hash });
}
const clean = (value: unknown): RedactionResult<unknown> => ({ value, counts: {}, exceeded: false });
const UNSCANNED = "[redacted:unscanned]";

describe("redactValue by detectors", () => {
  it("takes findings out of texts, numbers and names, and shares the rest", () => {
    const kept = { list: [1, 2], text: "-" };
    const value = { to: `to ${EMAIL}, ${CARD}`, n: 4_111_111_111_111_111, bsn: 111_222_333, [EMAIL]: true, kept };
    const { value: redacted, counts, exceeded } = redactValue(value, everything);
    expect(redacted).toEqual({
      to: "to [redacted:email], [redacted:payment_card]",
      n: "[redacted:payment_card]",
      bsn: "[redacted:nl_bsn]",
      "[redacted:email]": true,
      kept,
    });
    expect(redacted.kept).toBe(kept);
    expect(counts).toEqual({ email: 2, payment_card: 2, nl_bsn: 1 });
    expect(exceeded).toBe(false);
    expect(Object.keys(value)).toEqual(["to", "n", "bsn", EMAIL, "kept"]);
  });

  it("hands on what holds nothing as it is", () => {
    const value = {
      at: new Date(0),
      f: () => EMAIL,
      s: Symbol("x"),
      n: Number.NaN,
      nested: [{ u: undefined, z: null }],
    };
    expect(redact(value, everything)).toEqual(clean(value));
    expect(redactValue(value, everything).value).toBe(value);
    expect(redactValue(value, []).value).toBe(value);
  });

  it("gives two names that become equal different ones", () => {
    const value = { "a@b.io": 1, "c@d.io": 2, "[redacted:email]": 3 };
    expect(redact(value, emails).value).toEqual({
      "[redacted:email]~2": 1,
      "[redacted:email]~3": 2,
      "[redacted:email]": 3,
    });
  });

  it("looks into class instances, errors, maps and sets", () => {
    class Customer {
      readonly email = EMAIL;
      get domain(): string {
        return this.email.slice(this.email.indexOf("@") + 1);
      }
    }
    const { value } = redactValue(
      {
        customer: new Customer(),
        map: new Map([[EMAIL, [EMAIL]]]),
        set: new Set([EMAIL, "-"]),
        a: new Map([
          ["a@b.io", 1],
          ["c@d.io", 2],
        ]),
      },
      emails,
    );
    expect(value.customer).toBeInstanceOf(Customer);
    expect(value.customer.email).toBe("[redacted:email]");
    expect(value.map).toEqual(new Map([["[redacted:email]", ["[redacted:email]"]]]));
    expect(value.a).toEqual(
      new Map([
        ["[redacted:email]", 1],
        ["[redacted:email]~2", 2],
      ]),
    );
    expect(value.set).toEqual(new Set(["[redacted:email]", "-"]));
    const error = redactValue(new TypeError(`no ${EMAIL}`, { cause: EMAIL }), emails).value;
    expect([error instanceof TypeError, error.message, error.cause]).toEqual([
      true,
      "no [redacted:email]",
      "[redacted:email]",
    ]);
    expect(error.stack).not.toContain(EMAIL);
    const untouched = new Customer();
    expect(redactValue(untouched, [{ detectors: ["iban"] }]).value).toBe(untouched);
  });

  it("writes digests and nothing where asked", () => {
    expect(redact(`to ${EMAIL}`, [{ detectors: ["email"], method: "hash" }])).toEqual({
      value: `to [hash:${hash(EMAIL).slice(0, 16)}]`,
      counts: { email: 1 },
      exceeded: false,
    });
    expect(redact(`to ${EMAIL}.`, [{ detectors: ["email"], method: "remove" }]).value).toBe("to .");
    expect(redactValue(EMAIL, [{ detectors: ["email"], method: "hash" }]).value).toBe("[redacted:email]");
    const thrower = (): string => {
      throw new Error("no");
    };
    for (const bad of [thrower, (): string => "xyz", (): string => "abc"]) {
      expect(redactValue(EMAIL, [{ detectors: ["email"], method: "hash" }], { hash: bad }).value).toBe(
        "[redacted:email]",
      );
    }
  });

  it("masks where a digest would itself be found", () => {
    const digits = (): string => "4111111111111111";
    expect(redactValue(EMAIL, [{ detectors: ["email", "payment_card"], method: "hash" }], { hash: digits }).value).toBe(
      "[redacted:email]",
    );
  });

  it("takes out what removing brings together", () => {
    const removed: readonly Redaction[] = [{ detectors: [...DETECTOR_IDS], method: "remove" }];
    expect(redact("4111 1111 10.0.0.1 1111 1111", removed).value).toBe("");
  });

  it("lets the method that leaves least win", () => {
    const both: readonly Redaction[] = [
      { detectors: ["email"], method: "remove" },
      { detectors: ["email", "url"], method: "hash" },
    ];
    expect(redact(EMAIL, both).value).toBe("");
    expect(redact(EMAIL, [...both].reverse()).value).toBe("");
  });
});

describe("redactValue by paths", () => {
  it("replaces whole values", () => {
    const value = { card: { number: CARD, cvc: 123 }, items: [{ note: "a", n: 1 }, { note: "b" }] };
    expect(redact(value, [{ paths: ["card", "items[].note"] }])).toEqual({
      value: { card: "[redacted]", items: [{ note: "[redacted]", n: 1 }, { note: "[redacted]" }] },
      counts: { path: 3 },
      exceeded: false,
    });
    expect(redact(value, [{ paths: ["card.**"] }]).value).toEqual({
      ...value,
      card: { number: "[redacted]", cvc: "[redacted]" },
    });
    expect(redact(value, [{ paths: ["nothing", "items.x"] }]).value).toBe(value);
  });

  it("removes properties and elements, and keeps the places of elements that are counted", () => {
    const value = { a: [1, 2, 3], b: 1, c: { d: 1 } };
    expect(redact(value, [{ paths: ["a[]", "b"], method: "remove" }]).value).toEqual({ a: [], c: { d: 1 } });
    expect(redact(value, [{ paths: ["a[0]"], method: "remove" }]).value).toEqual({ ...value, a: [null, 2, 3] });
    expect(redact(value, [{ paths: ["**"], method: "remove" }]).value).toEqual({ a: [], c: {} });
    expect(redact("text", [{ paths: ["**"], method: "remove" }]).value).toBeUndefined();
  });

  it("writes equal digests for equal values", () => {
    const { value } = redactValue(
      { a: "x", b: "x", c: { y: 1, z: 2 }, d: { z: 2, y: 1 } },
      [{ paths: ["*"], method: "hash" }],
      { hash },
    );
    expect(value.a).toBe(value.b);
    expect(value.c).toBe(value.d);
    expect(String(value.a)).toMatch(/^\[hash:[0-9a-f]{16}\]$/);
    expect(redact(value, [{ paths: ["*"], method: "hash" }]).value).toBe(value);
    const forged = { a: "[hash:4111111111111111]" };
    expect(redact(forged, [{ paths: ["a"], method: "hash" }]).value).not.toEqual(forged);
  });

  it("looks for findings below paths alone when both are given", () => {
    const value = { from: EMAIL, to: [EMAIL, { [EMAIL]: EMAIL }] };
    expect(redact(value, [{ paths: ["to"], detectors: ["email"] }])).toEqual({
      value: { from: EMAIL, to: ["[redacted:email]", { "[redacted:email]": "[redacted:email]" }] },
      counts: { email: 3 },
      exceeded: false,
    });
  });

  it("goes on into text that holds JSON", () => {
    const text = '{"customer": {"name": "Bob", "id": 7}, "note": "é"}';
    expect(redact(text, [{ paths: ["customer.name"] }]).value).toBe(
      '{"customer":{"name":"[redacted]","id":7},"note":"é"}',
    );
    expect(redact({ content: text }, [{ paths: ["content.customer.name"] }]).value).toEqual({
      content: '{"customer":{"name":"[redacted]","id":7},"note":"é"}',
    });
    expect(redact(text, [{ paths: ["customer.phone"] }]).value).toBe(text);
    expect(redact("plain words", [{ paths: ["customer.name"] }]).value).toBe("plain words");
  });

  it("hides text that it cannot write again", () => {
    const hidden = { value: UNSCANNED, counts: { path: 1 }, exceeded: true };
    expect(redact("name: Bob\nid: 7\nnote: none\n", [{ paths: ["name"] }])).toEqual(hidden);
    expect(redact('{"name":"Bob","id":12345678901234567890}', [{ paths: ["name"] }])).toEqual(hidden);
    const many = JSON.stringify({ name: "Bob", list: new Array(VALUE_BOUNDS.nodeCountMax).fill(0) });
    expect(redact(many, [{ paths: ["name"] }])).toEqual({ ...hidden, counts: {} });
    const long = JSON.stringify({ name: "Bob", text: "x".repeat(TEXT_LENGTH_MAX) });
    expect(redact(long, [{ paths: ["name"] }])).toEqual({ ...hidden, counts: {} });
  });
});

describe("redactValue where it cannot look", () => {
  const hidden = (value: unknown, counts: Readonly<Record<string, number>> = {}): RedactionResult<unknown> => ({
    value,
    counts,
    exceeded: true,
  });

  it("lets no cycle, getter or proxy through", () => {
    const loop: Record<string, unknown> = { to: EMAIL };
    loop.self = loop;
    expect(redact(loop, emails)).toEqual(hidden({ to: "[redacted:email]", self: UNSCANNED }, { email: 1 }));
    const getter = {
      get a(): string {
        throw new Error(EMAIL);
      },
      b: EMAIL,
    };
    expect(redact(getter, emails)).toEqual(hidden({ a: UNSCANNED, b: "[redacted:email]" }, { email: 1 }));
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    expect(redact([revoked.proxy, EMAIL], emails)).toEqual(hidden([UNSCANNED, "[redacted:email]"], { email: 1 }));
    expect(redact(revoked.proxy, emails)).toEqual(hidden(UNSCANNED));
  });

  it("keeps to its bounds", () => {
    let deep: unknown = EMAIL;
    let expected: unknown = UNSCANNED;
    for (let depth = 0; depth < VALUE_BOUNDS.depthMax + 1; depth += 1) deep = [deep];
    for (let depth = 0; depth < VALUE_BOUNDS.depthMax; depth += 1) expected = [expected];
    expect(redact(deep, emails)).toEqual(hidden(expected));
    const long = "x".repeat(TEXT_LENGTH_MAX + 1);
    expect(redact({ long, to: EMAIL }, emails)).toEqual(
      hidden({ long: UNSCANNED, to: "[redacted:email]" }, { email: 1 }),
    );
    const many = [...new Array<number>(VALUE_BOUNDS.nodeCountMax).fill(1), EMAIL, EMAIL];
    const cut = [...new Array<number>(VALUE_BOUNDS.nodeCountMax - 1).fill(1), UNSCANNED];
    expect(redact(many, emails)).toEqual(hidden(cut));
    expect(redact({ many, to: EMAIL }, emails)).toEqual(hidden({ many: cut.slice(1) }));
    const holes = redactValue(new Array<string>(4_000_000_000), emails);
    expect([holes.value.length, holes.value.at(-1), holes.exceeded]).toEqual([10_001, UNSCANNED, true]);
  });

  it("hands on what keeps its content out of sight, and says so", () => {
    const bytes = new Uint8Array(8);
    const result = redactValue({ bytes }, emails);
    expect([result.value.bytes === bytes, result.exceeded]).toEqual([true, true]);
  });

  it("lets nothing through when a path cannot be read", () => {
    expect(redact({ a: 1 }, [{ paths: ["a..b"] }])).toEqual(hidden(UNSCANNED));
  });

  it("takes its own marks for no list of YAML, and what looks like one for what it is", () => {
    const both: Redaction[] = [{ detectors: ["email"] }, { paths: ["[]"] }];
    const once = redactValue("- bob@example.com", both);
    expect(once).toEqual({ value: "- [redacted:email]", counts: { email: 1 }, exceeded: false });
    expect(redactValue(once.value, both)).toEqual({ value: once.value, counts: {}, exceeded: false });
    expect(redactValue("- [redacted:secret]", both).value).toBe(UNSCANNED);
  });
});
