import type { Condition, Tool } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { policyOf, ruleOf } from "../facts.fixture.ts";
import { codes, lines, onRefund, over } from "./check-policies.fixture.ts";

describe("checkPolicies: what is registered", () => {
  const refund: Tool = {
    name: "refund",
    tags: ["payments"],
    argsSchema: {
      type: "object",
      properties: { amount: { type: "number" }, currency: { enum: ["EUR", "USD"] }, to: { $ref: "#/$defs/to" } },
      $defs: { to: { type: "object", properties: { iban: { type: "string" } } } },
    },
  };
  const tools: readonly Tool[] = [refund, { name: "read_mail", tags: ["untrusted"], classification: "confidential" }];

  it("finds tools, tags and arguments that do not exist", () => {
    const policy = policyOf([
      ruleOf({ tool: { name: ["refnd", "read_*"] }, when: over(1) }),
      ruleOf({ id: "b", tool: { tagsAny: ["payment"], tagsAll: ["classification:confidential"] } }),
      ruleOf({ id: "c", tool: { name: "refund", tagsAll: ["untrusted"] } }),
      onRefund({ id: "d", when: { kind: "toolArg", path: "to.ibann", type: "any", op: "exists" } }),
      onRefund({ id: "e", when: { kind: "toolArg", path: "amount", type: "string", op: "eq", value: "9" } }),
      onRefund({
        id: "f",
        when: { kind: "toolArg", path: "currency", type: "string", op: "in", value: ["EUR", "USDT"] },
      }),
      onRefund({ id: "g", effect: { type: "redact", redact: [{ paths: ["to.iban", "tos"] }] } }),
      ruleOf({
        id: "h",
        tool: { tagsAny: ["payments"] },
        when: { kind: "sequence", called: [{ name: "read_mails" }] },
      }),
    ]);
    expect(lines([policy], { tools })).toEqual([
      "W TOOL_UNKNOWN rules.0.tool.name.0: no tool `refnd` is registered; did you mean `refund`?",
      "W TOOL_UNKNOWN rules.1.tool.tagsAny.0: no registered tool has the tag `payment`; did you mean `payments`?",
      "W TOOL_UNKNOWN rules.2.tool: no registered tool has all that the selector asks for; correct its names or tags, or register the tool",
      "W ARG_UNKNOWN rules.3.when.path: the arguments of `refund` have no `to.ibann`; did you mean `iban`?",
      "W ARG_TYPE_MISMATCH rules.4.when.type: `amount` is compared as string, and its schema says number; compare it as number",
      'W ARG_TYPE_MISMATCH rules.5.when.value: `currency` can never be "USDT"; did you mean `USD`?',
      "W ARG_UNKNOWN rules.6.effect.redact.0.paths.1: the arguments of `refund` have no `tos`; did you mean `to`?",
      "W TOOL_UNKNOWN rules.7.when.called.0.name: no tool `read_mails` is registered; did you mean `read_mail`?",
    ]);
    expect(codes([policy])).toEqual([]);
  });

  it("finds agents, metrics, signals and functions that do not exist", () => {
    const when: Condition = {
      kind: "and",
      all: [
        { kind: "signal", signal: "risc", type: "number", op: "gt", value: 1 },
        { kind: "custom", name: "known" },
        { kind: "metricWindow", scope: "run", metric: "bytes_outt", aggregate: "sum", op: "gt", value: 1 },
      ],
    };
    const policy = policyOf([onRefund({ when })], { agents: { anyOfSlugs: ["suport"] } });
    const agents = [{ slug: "support" }];
    expect(lines([policy], { agents, metrics: [], signals: ["risk"], customs: ["known"] })).toEqual([
      "W AGENT_UNKNOWN agents.anyOfSlugs.0: no registered agent has the slug `suport`; did you mean `support`?",
      "W NAME_UNKNOWN rules.0.when.all.0.signal: no signal `risc` is registered; did you mean `risk`?",
      "W NAME_UNKNOWN rules.0.when.all.2.metric: no metric `bytes_outt` is registered; did you mean `bytes_out`?",
    ]);
    const both = policyOf([], { agents: { anyOfSlugs: ["a"], anyOfTags: ["t"] } });
    expect(codes([both], { agents: [{ slug: "a" }, { slug: "b", tags: ["t"] }] })).toEqual(["AGENT_UNKNOWN agents"]);
  });

  it("finds rules that no tool of their policy's agents fits", () => {
    const inventories = [
      { agent: { slug: "support", tags: ["eu"] }, tools: [refund] },
      { agent: { slug: "mailer" }, tools: [{ name: "read_mail", tags: ["untrusted"] }] },
      { agent: { slug: "new" }, tools: [] },
    ];
    const all = { tools, inventories };
    const forSupport = { agents: { anyOfSlugs: ["support"] } };
    const isMail: Condition = { kind: "toolName", op: "glob", value: "*_mail" };
    const policy = policyOf(
      [
        ruleOf({ id: "a", tool: { name: "read_mail" }, when: { kind: "sequence", called: [{ name: "refund" }] } }),
        ruleOf({ id: "b", tool: { tagsAny: ["untrusted", "payments"] } }),
        ruleOf({ id: "c", when: { kind: "and", all: [isMail, over(1)] } }),
        ruleOf({ id: "d", when: { kind: "or", any: [isMail, over(1)] } }),
        ruleOf({ id: "e", when: { kind: "not", not: { kind: "toolTag", anyOf: ["payments"] } } }),
        ruleOf({ id: "f", tool: { name: "refnd" } }),
        ruleOf({ id: "g", tool: { name: "read_mail" }, enabled: false }),
        ruleOf({ id: "h", on: "llm.before", when: { kind: "runTag", tag: "k", op: "eq", value: "v" } }),
        ruleOf({ id: "i", when: { kind: "toolTag", noneOf: ["payments"] }, tool: { tagsAny: ["payments"] } }),
      ],
      forSupport,
    );
    const unreachable = lines([policy], all).filter((line) => line.startsWith("W RULE_UNREACHABLE"));
    const says =
      "no tool of `support`, which the policy is for, can be matched by this rule; correct the tool selector, what the condition asks of the tool, or the policy's agents";
    expect(unreachable).toEqual([0, 2, 4, 8].map((at) => `W RULE_UNREACHABLE rules.${at}: ${says}`));
    // Any tool may be that of an agent whose tools are not known.
    const open = { ...policy, agents: { anyOfSlugs: ["support", "new"] } };
    const nobody = { ...policy, agents: { anyOfSlugs: ["nobody"] } };
    for (const one of [open, nobody, { ...policy, enabled: false }, { ...policy, agents: { anyOfTags: ["us"] } }]) {
      expect(codes([one], all).filter((code) => code.startsWith("RULE_UNREACHABLE"))).toEqual([]);
    }
    expect(codes([policy], { tools }).filter((code) => code.startsWith("RULE_UNREACHABLE"))).toEqual([]);
  });

  it("asks for a guard where private data, untrusted content and a way out meet", () => {
    const all: readonly Tool[] = [...tools, { name: "send", tags: ["external"] }];
    const unguarded = policyOf([onRefund({ when: over(1) })]);
    expect(codes([unguarded], { tools: all })).toEqual(["FLOW_UNGUARDED "]);
    const guard = ruleOf({
      id: "g",
      tool: { name: "send" },
      when: { kind: "argFrom", paths: ["**"], origins: ["untrusted"] },
    });
    expect(codes([policyOf([guard])], { tools: all })).toEqual([]);
  });
});
