import { compile, createRunState, decide } from "@handlebar/engine";
import type { ToolSelector } from "@handlebar/protocol";
import type { DenyRule, MakeEngine } from "../policy.ts";

export const make: MakeEngine = (rules) => {
  const set = compile([
    {
      name: "bench",
      rules: rules.map((rule) => ({
        name: rule.name,
        on: "tool.before" as const,
        tool: selectorOf(rule),
        when: {
          kind: "toolArg" as const,
          path: "amount",
          type: "number" as const,
          op: "gt" as const,
          value: rule.above,
        },
        effect: { type: "block" as const },
      })),
    },
  ]);
  const state = createRunState();
  const run = { runId: "r", startedAtMs: 0, status: "open" as const, tags: {}, context: {}, state };
  const agent = { slug: "bench", tags: [] };
  return ({ tool, tag, amount }) =>
    decide(set, {
      phase: "tool.before",
      nowMs: 0,
      agent,
      run,
      call: { callId: "c", tool: { name: tool, tags: [tag] }, args: { amount } },
      failClosed: false,
      enforceMode: "enforce",
    }).verdict === "ALLOW";
};

function selectorOf({ select, selected }: DenyRule): ToolSelector {
  if (select === "tag") return { tagsAny: [selected] };
  return { name: select === "name" ? selected : `${selected}.*` };
}
