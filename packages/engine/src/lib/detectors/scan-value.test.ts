import { DETECTOR_IDS } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { VALUE_BOUNDS } from "../limits.ts";
import { scanValue, type ValueDetection } from "./scan-value.ts";

const EMAIL = "bob@example.com";
/** From lines `path|id|count`, each finding a place of its own. */
function found(...lines: readonly string[]): ValueDetection {
  const entries = lines.map((line) => {
    const [path = "", id = "", count = "1"] = line.split("|");
    const known = DETECTOR_IDS.find((known) => known === id);
    if (known === undefined) throw new Error(id);
    return { path, id: known, count: Number(count) };
  });
  return { found: entries, placeCount: entries.reduce((sum, { count }) => sum + count, 0), exceeded: false };
}
const exceeded = (...lines: readonly string[]): ValueDetection => ({ ...found(...lines), exceeded: true });

describe("scanValue", () => {
  it("finds in texts, at any depth, with the path", () => {
    expect(scanValue(EMAIL)).toEqual(found("|email"));
    expect(scanValue({ to: EMAIL, cc: [`${EMAIL}, ${EMAIL}`, "-"] })).toEqual(found("to|email", "cc[0]|email|2"));
    expect(scanValue([{ "a.b": { c: EMAIL } }])).toEqual(found('[0]["a.b"].c|email'));
    expect(scanValue({ to: "nobody", n: null, b: true, u: undefined, f: () => EMAIL })).toEqual(found());
  });

  it("finds in numbers as they are written", () => {
    expect(scanValue({ card: 4_111_111_111_111_111, big: 4_111_111_111_111_111n, bsn: 111_222_333 })).toEqual(
      found("card|payment_card", "big|payment_card", "bsn|nl_bsn"),
    );
    expect(scanValue({ n: 0.4111111111111111, id: 111_222_333, x: Number.NaN, y: 1e300, z: -1 })).toEqual(found());
    expect(scanValue({ n: 10n ** 200n })).toEqual(exceeded());
  });

  it("finds in names of properties, and does not write them into paths", () => {
    expect(scanValue({ [EMAIL]: { ip: "10.0.0.1" } })).toEqual(
      found('["[redacted:email]"]|email', '["[redacted:email]"].ip|ip_address'),
    );
    expect(scanValue({ [`${"n".repeat(500)}`]: EMAIL })).toEqual(found(`${"n".repeat(128)}…|email`));
  });

  it("takes the nearest name for a word beside the value", () => {
    expect(scanValue({ phones: [4_155_550_132, "4155550132"] })).toEqual(found("phones[0]|phone", "phones[1]|phone"));
    expect(scanValue({ phone: { number: "4155550132" } })).toEqual(found());
    expect(scanValue({ password: "hunter", apiKey: "none" })).toEqual(found("password|password"));
  });

  it("counts each detector for itself", () => {
    const value = { url: `https://10.0.0.1/?to=${EMAIL}` };
    expect(scanValue(value)).toEqual({ ...found("url|email", "url|url", "url|ip_address"), placeCount: 1 });
    expect(scanValue(value, ["ip_address"])).toEqual(found("url|ip_address"));
  });

  it("says so where it could not look", () => {
    const loop: Record<string, unknown> = { to: EMAIL };
    loop.self = loop;
    expect(scanValue(loop)).toEqual(exceeded("to|email"));
    const getter = {
      get a(): string {
        throw new Error("no");
      },
      b: EMAIL,
    };
    expect(scanValue(getter)).toEqual(exceeded("b|email"));
    const proxy = new Proxy({ b: EMAIL }, { ownKeys: () => [][1] as unknown as string[] });
    expect(scanValue([EMAIL, proxy, EMAIL])).toEqual(exceeded("[0]|email", "[2]|email"));
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    expect(scanValue({ a: revoked.proxy, b: EMAIL })).toEqual(exceeded("b|email"));
    expect(scanValue({ bytes: new Uint8Array(100_000_000), map: new Map([["to", EMAIL]]) })).toEqual(exceeded());
    expect(scanValue({ at: new Date(0) })).toEqual(found());
  });

  it("keeps to its bounds", () => {
    let deep: unknown = EMAIL;
    for (let depth = 0; depth < VALUE_BOUNDS.depthMax; depth += 1) deep = [deep];
    expect(scanValue(deep)).toEqual(found(`${"[0]".repeat(VALUE_BOUNDS.depthMax)}|email`));
    expect(scanValue([deep])).toEqual(exceeded());
    expect(scanValue([...new Array(VALUE_BOUNDS.nodeCountMax), EMAIL])).toEqual(exceeded());
    expect(scanValue(new Array(4_000_000_000))).toEqual(exceeded());
    expect(
      scanValue(
        Array.from({ length: 100 }, () => EMAIL),
        ["email"],
        { ...VALUE_BOUNDS, nodeCountMax: 3 },
      ),
    ).toEqual(exceeded("[0]|email", "[1]|email"));
    const narrow = { ...VALUE_BOUNDS, textLengthMax: 20 };
    expect(scanValue({ a: EMAIL, b: EMAIL }, ["email"], narrow)).toEqual(exceeded("a|email"));
    expect(scanValue({ a: EMAIL, b: "12345" }, ["email"], narrow)).toEqual(found("a|email"));
    const many = scanValue(Array.from({ length: 2_000 }, () => EMAIL));
    expect([many.found.length, many.exceeded]).toEqual([1_000, true]);
  });

  it("reads own enumerable properties alone", () => {
    const hidden = Object.defineProperty({}, "to", { value: EMAIL, enumerable: false });
    expect(scanValue(hidden)).toEqual(found());
    expect(scanValue(Object.create({ to: EMAIL }, { b: { value: EMAIL, enumerable: true } }))).toEqual(
      found("b|email"),
    );
    expect(scanValue(JSON.parse(`{"__proto__":"${EMAIL}","constructor":1}`))).toEqual(found("__proto__|email"));
  });
});
