import type { Condition, Policy, Rule } from "@handlebar/protocol";
import { checkPolicies } from "./check-policies.ts";
const rule = (i: number, name: string): Rule => ({ id: `r${i}`, name: `r${i}`, on: "tool.before", tool: { name }, effect: { type: "block" }, when: { kind: "and", all: [
  { kind: "toolArg", path: "amount", type: "number", op: "gt", value: (i * 7919) % 10007 }, { kind: "toolArg", path: "to", type: "string", op: i % 2 ? "startsWith" : "contains", value: `x${i % 50}` }, {kind:"or", any:[{ kind: "label", anyOf: ["a", "b"] },{kind:"runTag",tag:"env",op:"eq",value:"prod"}]} ] } });
for (const [n, one] of [[100, true], [1000, true], [3000, true], [10000, false]] as const) {
  const p: Policy = { id: "p", name: "p", rules: Array.from({ length: n }, (_, i) => rule(i, one ? "refund" : `tool_${i % 1000}`)), flow: { sources: [{ add: ["a", "b"] }] } };
  const t = performance.now(); const f = checkPolicies([p]); console.log(n, one ? "one tool" : "1000 tools", Math.round(performance.now() - t), "ms", f.length, "findings");
}
// nasty
const glob = (i: number): string => `${"*a".repeat(100)}${i}`;
const nasty: Condition = { kind: "and", all: Array.from({ length: 120 }, (_, i): Condition => ({ kind: "or", any: [{ kind: "toolArg", path: "p", type: "string", op: "glob", value: Array.from({ length: 100 }, (_, k) => glob(i * 100 + k)) }, { kind: "custom", name: `f${i % 8}` }] })) };
let t = performance.now(); let f = checkPolicies([{ id: "p", name: "p", rules: Array.from({ length: 20 }, (_, i) => ({ id: `r${i}`, name: "n", on: "tool.before", when: nasty, priority: i, effect: { type: "block" } } satisfies Rule)) }]); console.log("nasty", Math.round(performance.now() - t), f.length);
const regex: Condition = { kind: "and", all: [{ kind: "toolArg", path: "p", type: "string", op: "in", value: Array.from({ length: 1024 }, (_, i) => "a".repeat(2000) + i) }, ...Array.from({ length: 50 }, (_, i): Condition => ({ kind: "toolArg", path: "p", type: "string", op: "matches", value: `(a|aa)+(b|c){${i + 1}}$` }))] };
t = performance.now(); f = checkPolicies([{ id: "p", name: "p", rules: Array.from({ length: 5 }, (_, i) => ({ id: `r${i}`, name: "n", on: "tool.before", when: regex, priority: i, effect: { type: "block" } } satisfies Rule)) }]); console.log("regex", Math.round(performance.now() - t), f.length);
