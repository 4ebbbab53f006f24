import { Handlebar, type HandlebarConfig } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import type { Message } from "@handlebar/protocol";
import type { Variant } from "./adapters/beside.ts";

const args = { order: "A-7731", amount: 80 };
const result = { refunded: 80 };
const model = { provider: "mock", name: "mock-model-id" };
const usage = { inputTokens: 20, outputTokens: 5 };

const asks: Message = { role: "user", content: "Order A-7731 came broken." };
const calls: Message = { role: "assistant", content: [{ type: "tool-call", callId: "call", tool: "refund", args }] };
const returns: Message = { role: "tool", content: [{ type: "tool-result", callId: "call", tool: "refund", result }] };
const answers: Message = { role: "assistant", content: "It is paid." };

/** What an adapter asks Handlebar in a run of two model steps and one tool call. Messages are made anew for each request, as frameworks do. */
function hooksOf(config: Partial<HandlebarConfig>): () => Promise<void> {
  const large = { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 } as const;
  const hb = Handlebar.init({
    agent: { slug: "bench" },
    policies: [
      {
        name: "refunds",
        rules: [
          { name: "large", on: "tool.before", tool: { name: "refund" }, when: large, effect: { type: "block" } },
          {
            name: "often",
            on: "tool.before",
            tool: { name: "refund" },
            when: { kind: "maxCalls", scope: "run", max: 5 },
            effect: { type: "block" },
          },
        ],
      },
    ],
    sinks: [],
    ...config,
  });
  return async () => {
    const run = hb.startRun({ adapter: { name: "bench", version: "1" }, model });
    const first = await run.beforeLlm({ model, messages: [{ ...asks }] });
    await run.afterLlm({ callId: first.callId, model, usage, response: { ...calls } });
    const tool = await run.beforeTool({ callId: "call", name: "refund", args });
    await run.afterTool(tool, { result });
    const second = await run.beforeLlm({ model, messages: [{ ...asks }, { ...calls }, { ...returns }] });
    await run.afterLlm({ callId: second.callId, model, usage, response: { ...answers } });
    await run.end();
  };
}

/** Work of a fixed size, so that figures of two machines, or of one on two days, can be set beside each other. */
async function fixedWork(): Promise<number> {
  let sum = 0;
  for (let at = 0; at < 10; at++) {
    const copy = JSON.parse(JSON.stringify({ at, text: `text ${at}`, list: [at, at + 1, { at }] })) as { at: number };
    sum += await Promise.resolve(copy.at);
  }
  return sum;
}

const FULL = { args: "full", results: "full", messages: "full" } as const;

export const HOOKS_OF_A_RUN: readonly Variant[] = [
  ["ten small objects as JSON and back, each awaited", fixedWork],
  ["hooks of a run, events nowhere", hooksOf({})],
  ["hooks of a run, events in memory, whole", hooksOf({ sinks: [memorySink()], capture: FULL })],
  ["hooks of a run, events in memory, findings masked", hooksOf({ sinks: [memorySink()] })],
];
