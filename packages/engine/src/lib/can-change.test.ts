import type { Policy, Rule } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { canChange } from "./can-change.ts";
import { compile } from "./compile.ts";

const AGENT = { slug: "a", tags: [] };
const asked = (policy: Partial<Policy>): readonly boolean[] => {
  const set = compile([{ name: "p", rules: [], ...policy }]);
  return [canChange(set, AGENT, "llm.before"), canChange(set, AGENT, "llm.after")];
};

describe("canChange", () => {
  it("tells the phases in which an enforced rule may redact, hold or block", () => {
    const block = { name: "r", on: "llm.after", effect: { type: "block" } } as const;
    const redact: Rule = { name: "r", on: "llm.before", effect: { type: "redact", redact: [{ paths: ["a"] }] } };
    expect(asked({})).toEqual([false, false]);
    expect(asked({ rules: [block] })).toEqual([false, true]);
    expect(asked({ rules: [redact] })).toEqual([true, false]);
  });

  it("passes over what changes nothing: allow, shadow, disabled, other agents, tools' phases", () => {
    const rule = { name: "r", on: "llm.after", effect: { type: "block" } } as const;
    expect(asked({ rules: [{ ...rule, effect: { type: "allow" } }] })).toEqual([false, false]);
    expect(asked({ mode: "shadow", rules: [rule] })).toEqual([false, false]);
    expect(asked({ enabled: false, rules: [rule] })).toEqual([false, false]);
    expect(asked({ agents: { anyOfSlugs: ["b"] }, rules: [rule] })).toEqual([false, false]);
    expect(asked({ rules: [{ ...rule, on: "tool.after" }] })).toEqual([false, false]);
  });

  it("counts rules of a tool's phase, whatever tools they name", () => {
    const set = compile([
      { name: "p", rules: [{ name: "r", on: "tool.after", tool: { name: "x" }, effect: { type: "block" } }] },
    ]);
    expect([canChange(set, AGENT, "tool.after"), canChange(set, AGENT, "tool.before")]).toEqual([true, false]);
  });

  it("counts a policy's default, which acts where no rule matched", () => {
    const rule = { name: "r", on: "llm.after", effect: { type: "allow" } } as const;
    expect(asked({ default: "block", rules: [rule] })).toEqual([false, true]);
  });
});
