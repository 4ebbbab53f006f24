import { describe, expect, it } from "vitest";
import { defaultRuleIdOf, kebabOf, policyIdOf, ruleIdOf } from "./ids.ts";

describe("ids from names", () => {
  it("keeps letters and digits of any script", () => {
    expect(["Large refunds, EU", "  A--b_c ", "Über Größe 2", "支払い 規則", "PII/PCI"].map(kebabOf)).toEqual([
      "large-refunds-eu",
      "a-b-c",
      "über-größe-2",
      "支払い-規則",
      "pii-pci",
    ]);
  });
  it("gives names without letters something of their own", () => {
    expect([kebabOf("!"), kebabOf("?!")]).toEqual(["x21", "x3f-x21"]);
  });
  it("keeps to the length of an id", () => {
    const [a, b] = ["a", "b"].map((end) => ruleIdOf({ name: `${"n".repeat(255)}${end}` }, "p".repeat(256)));
    expect([a?.length, b?.length, a === b]).toEqual([256, 256, false]);
    expect(defaultRuleIdOf("p".repeat(256))).toHaveLength(256);
  });
  it("prefers an id that is given", () => {
    expect(policyIdOf({ id: "Own", name: "x" })).toBe("Own");
    expect(ruleIdOf({ id: "Own", name: "x" }, "p")).toBe("Own");
    expect(ruleIdOf({ name: "A b" }, "p")).toBe("p/a-b");
    expect(defaultRuleIdOf("p")).toBe("p#default");
  });
});
