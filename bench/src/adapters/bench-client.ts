import { Handlebar, type HandlebarConfig } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";

/** A client with one local policy, whose rule the agents' call does not match; events go nowhere unless `config` says otherwise. */
export function client(config: Partial<HandlebarConfig>): ReturnType<typeof Handlebar.init> {
  const large = { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 } as const;
  return Handlebar.init({
    agent: { slug: "bench" },
    policies: [
      {
        name: "refunds",
        rules: [{ name: "large", on: "tool.before", tool: { name: "refund" }, when: large, effect: { type: "block" } }],
      },
    ],
    sinks: [],
    ...config,
  });
}

export const CLIENTS: readonly (readonly [string, Partial<HandlebarConfig>])[] = [
  ["under policy, events nowhere", {}],
  ["events in memory, whole", { sinks: [memorySink()], capture: { args: "full", results: "full", messages: "full" } }],
  ["events in memory, findings masked", { sinks: [memorySink()] }],
];
