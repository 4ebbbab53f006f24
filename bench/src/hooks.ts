import { Handlebar } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import type { Policy } from "@handlebar/protocol";
import { beside } from "./adapters/beside.ts";
import { measure, row } from "./figures.ts";
import { HOOKS_OF_A_RUN } from "./hooks-of-a-run.ts";
import { makeRules } from "./policy.ts";

const args = { order: "A-7731", amount: 80, note: "the chair arrived broken", to: "ana@example.com" };
const tool = (given: typeof args): Promise<{ refunded: number }> => Promise.resolve({ refunded: given.amount });

const policy: Policy = {
  name: "bench",
  rules: [
    ...makeRules(100).map((rule) => ({
      name: rule.name,
      on: "tool.before" as const,
      tool: { name: rule.selected },
      when: { kind: "toolArg" as const, path: "amount", type: "number" as const, op: "gt" as const, value: rule.above },
      effect: { type: "block" as const },
    })),
    {
      name: "large",
      on: "tool.before",
      tool: { name: "refund" },
      when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
      effect: { type: "block" },
    },
  ],
};

function governed(capture: "full" | "redacted" | "none"): () => Promise<unknown> {
  const hb = Handlebar.init({
    agent: { slug: "bench" },
    policies: [policy],
    sinks: [memorySink()],
    capture: { args: capture, results: capture },
  });
  const run = hb.startRun();
  return () => run.tool({ name: "refund", args }, tool);
}

console.log("One tool call under 101 rules, with its two events in memory. ×: beside the bare call.\n");
const bare = await measure(() => tool(args));
row("the tool alone", bare, bare);
const stringified = await measure(async () => JSON.stringify([await tool(args), args]));
row("the tool, and its arguments and result as JSON", stringified, bare);
for (const capture of ["none", "full", "redacted"] as const) {
  row(`beforeTool + tool + afterTool, capture ${capture}`, await measure(governed(capture)), bare);
}

console.log("\nA run of two model steps and one tool call under two rules, without a framework. CPU time.\n");
await beside("start, four model hooks, two tool hooks, end", HOOKS_OF_A_RUN);
