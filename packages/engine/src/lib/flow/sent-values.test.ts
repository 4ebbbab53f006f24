import { describe, expect, it } from "vitest";
import { SEEN_VALUE_COUNT_MAX, TEXT_LENGTH_MAX } from "../limits.ts";
import { SentValues } from "./sent-values.ts";

function sentValues(...values: readonly (string | number)[]): SentValues {
  const sent = new SentValues();
  for (const value of values) sent.add(value);
  return sent;
}

describe("SentValues", () => {
  it("knows arguments as a whole, and the identifiers in them", () => {
    const sent = sentValues("Mallory Smith", "pay DE89 3704 0044 to eve@evil.net, see evil.net/a", 47110815);
    for (const value of ["mallory smith", "eve@evil.net", "evil.net/a", 47110815, "47110815"]) {
      expect(sent.has(value)).toBe(true);
    }
    for (const value of ["Mallory", "pay", "ana@x.com", 4711]) expect(sent.has(value)).toBe(false);
  });

  it("passes over what is too short to tell", () => {
    expect(sentValues("me", 100, "ab1").has(100)).toBe(false);
    expect(sentValues("me", 100).has("me")).toBe(false);
  });

  it("gives the stretches of a text between identifiers that were sent", () => {
    expect(sentValues("eve@evil.net").others("Sent to eve@evil.net, a copy to ana@x.com.")).toEqual([
      "Sent to ",
      "a copy to ana@x.com.",
    ]);
    expect(new SentValues().others("as it is")).toEqual(["as it is"]);
  });

  it("takes everything for sent once something was not kept", () => {
    const long = sentValues("x".repeat(TEXT_LENGTH_MAX + 1));
    expect(long.has("anything")).toBe(true);
    expect(long.others("anything")).toEqual([]);
    const many = new SentValues();
    for (let at = 0; at <= SEEN_VALUE_COUNT_MAX; at += 1) many.add(`word${at}`);
    expect(many.has("anything")).toBe(true);
  });

  it("goes on from a snapshot, and takes in what another run sent", () => {
    const restored = SentValues.restore(JSON.parse(JSON.stringify(sentValues("ana@x.com").snapshot())));
    expect(restored?.has("ana@x.com")).toBe(true);
    expect(restored?.has("bo@y.org")).toBe(false);
    const joined = sentValues("bo@y.org");
    joined.join(sentValues("ana@x.com"));
    expect(joined.has("ana@x.com")).toBe(true);
    const full = new SentValues();
    full.lose();
    joined.join(full);
    expect(joined.has("anything")).toBe(true);
    expect(SentValues.restore(JSON.parse(JSON.stringify(joined.snapshot())))?.has("anything")).toBe(true);
    expect(SentValues.restore({ values: [1], isFull: false })).toBeUndefined();
  });
});
