import type { Effect } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { BLOCK, decideRules, HITL, rule } from "./decide-rules.fixture.ts";
import { factsOf } from "./facts.fixture.ts";
import type { Facts } from "./facts.ts";

describe("approvals", () => {
  const held = [rule("h", HITL)];
  const by = (status: "pending" | "approved" | "denied"): Facts =>
    factsOf({ approval: { approvalId: "ap", status, ...(status === "pending" ? {} : { by: "ann" }) } });
  it("hold a call until it is answered", () => {
    expect(decideRules(held).cause).toEqual({ kind: "HITL_PENDING", ruleId: "h", policyId: "p" });
    expect(decideRules(held, by("pending")).cause).toEqual({
      kind: "HITL_PENDING",
      approvalId: "ap",
      ruleId: "h",
      policyId: "p",
    });
    const denied = decideRules(held, by("denied"));
    expect([denied.verdict, denied.cause, denied.message]).toEqual([
      "BLOCK",
      { kind: "HITL_DENIED", approvalId: "ap", by: "ann" },
      "this call was denied by a person: ask",
    ]);
    const approved = decideRules(held, by("approved"));
    expect([approved.verdict, approved.cause, approved.finalRuleId]).toEqual([
      "ALLOW",
      { kind: "HITL_APPROVED", approvalId: "ap", by: "ann" },
      "h",
    ]);
  });
  it("never lift a block, and mean nothing where no rule holds", () => {
    expect(decideRules([...held, rule("b", BLOCK)], by("approved")).verdict).toBe("BLOCK");
    expect(decideRules([], by("denied")).verdict).toBe("ALLOW");
  });
});

describe("control", () => {
  const STOP: Effect = { type: "block", control: "TERMINATE" };
  const HOLD: Effect = { type: "hitl", control: "TERMINATE" };
  const control = (effects: readonly Effect[], change = {}): string =>
    decideRules(
      effects.map((effect, at) => rule(`r${at}`, effect)),
      factsOf(change),
    ).control;
  it("ends the run when any rule that matched asks for it", () => {
    expect(control([STOP])).toBe("TERMINATE");
    expect(control([BLOCK, STOP])).toBe("TERMINATE");
    expect(control([BLOCK, HOLD])).toBe("TERMINATE");
    expect(control([HOLD, HITL])).toBe("TERMINATE");
    expect(control([BLOCK, HITL])).toBe("CONTINUE");
  });
  it("is settled by an approval where the hold asked for it", () => {
    const approval = { approvalId: "ap", status: "approved" } as const;
    expect(control([HOLD], { approval })).toBe("CONTINUE");
    expect(control([BLOCK, HOLD], { approval })).toBe("CONTINUE");
    expect(control([STOP, HOLD], { approval })).toBe("TERMINATE");
  });
});
