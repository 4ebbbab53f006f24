import type { AnyClient, AnyRun } from "@handlebar/core/adapter";
import type { GovernOptions } from "./govern-model.ts";
import { governTools } from "./govern-tools.ts";
import { isGovernedBy, markGoverned } from "./governed-mark.ts";
import { canPause, type DecidedCall, type HeldBatch, isPending, type PausingRuntime } from "./held-batch.ts";
import { type LangChainToolCall, toolCallsOf } from "./message-text.ts";
import { bookOf } from "./run-book.ts";
import { boundRun, slotOf } from "./run-source.ts";
import { argsForPolicy, isObject, nameOf, parsedArgs, tagsOf } from "./tool-shape.ts";

/** What LangGraph's `ToolNode` has inside. */
interface ToolNodeInside {
  readonly tools: readonly unknown[];
  run(input: unknown, config: NodeConfig): Promise<unknown>;
}

interface NodeConfig extends PausingRuntime {
  readonly configurable?: unknown;
}

/**
 * A `ToolNode` of LangGraph whose tools are governed, and which decides the calls of one message in order before any of them
 * starts: where one is held, the node pauses as a whole, and tools that ran are not run again when the graph goes on.
 */
export function governToolNode<T extends object>(hb: AnyClient, node: T, options: GovernOptions = {}): T {
  if (isGovernedBy(node, hb) || !isToolNode(node)) return node;
  const tools = governTools(hb, node.tools, options);
  // `func` was bound to the node itself; the governed one has its own.
  const governed = Object.create(node, {
    tools: { value: tools, configurable: true, writable: true, enumerable: true },
    func: {
      value: async (input: unknown, config: NodeConfig) => {
        const run = options.run ?? boundRun(hb, config?.configurable);
        if (run !== undefined) await admitBatch(hb, run, { input, config, tools: node.tools });
        return node.run.call(governed, input, config);
      },
      configurable: true,
      writable: true,
    },
  }) as T & ToolNodeInside;
  return markGoverned(governed, hb);
}

function isToolNode(value: object): value is ToolNodeInside {
  return "tools" in value && Array.isArray(value.tools) && "run" in value && typeof value.run === "function";
}

interface BatchInput {
  readonly input: unknown;
  readonly config: NodeConfig;
  readonly tools: readonly unknown[];
}

/** Decides the calls that the node is about to make; the tools take the decisions up. Throws LangGraph's interrupt. */
async function admitBatch(hb: AnyClient, run: AnyRun, { input, config, tools }: BatchInput): Promise<void> {
  const calls = pendingCalls(input).filter(({ id }) => id !== undefined);
  const book = bookOf(run);
  const [first] = calls;
  const known = first?.id === undefined ? undefined : book.batchOf(first.id);
  const batch = known ?? (await decide(run, calls, { config, tools }));
  if (batch === undefined || first?.id === undefined) return;
  try {
    for (const { id } of calls) {
      const admitted = id === undefined ? undefined : await batch.admit(id, config);
      if (admitted !== undefined && !book.isTaken(admitted.before)) book.note([admitted]);
    }
  } catch (error) {
    const slot = slotOf(hb, config.configurable);
    if (slot !== undefined) slot.isInterrupted = true;
    run.pause();
    throw error;
  }
}

async function decide(
  run: AnyRun,
  calls: readonly LangChainToolCall[],
  { config, tools }: Pick<BatchInput, "config" | "tools">,
): Promise<HeldBatch | undefined> {
  const asked = await Promise.all(
    calls.map(async (call) => argsForPolicy(await parsedArgs(toolNamed(tools, call.name), call.args))),
  );
  const decisions = await run.beforeTools(
    calls.map((call, at) => ({
      callId: call.id,
      name: call.name,
      args: asked[at],
      tags: tagsOf(toolNamed(tools, call.name)),
    })),
  );
  const decided = decisions.map((before, at): DecidedCall => ({ asked: asked[at], before }));
  const book = bookOf(run);
  if (decided.some(isPending) && canPause(config)) return book.hold(run, decided, "decided");
  book.note(decided);
  return undefined;
}

function toolNamed(tools: readonly unknown[], name: string): unknown {
  return tools.find((tool) => nameOf(tool) === name);
}

/** The calls of the newest answer that have no result yet. */
function pendingCalls(input: unknown): readonly LangChainToolCall[] {
  const messages: unknown = isObject(input) && "messages" in input ? input.messages : input;
  if (!Array.isArray(messages)) return [];
  const answered = new Set(
    messages.map((message: unknown) =>
      isObject(message) && "tool_call_id" in message ? message.tool_call_id : undefined,
    ),
  );
  const answer: unknown = messages.findLast((message: unknown) => toolCallsOf(message).length > 0);
  return toolCallsOf(answer).filter(({ id }) => !answered.has(id));
}
