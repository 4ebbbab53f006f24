import type { AnyClient, AnyRun } from "@handlebar/core/adapter";
import type { GovernOptions } from "./govern-model.ts";
import { isGovernedBy, markGoverned } from "./governed-mark.ts";
import { takeInHand } from "./in-hand.ts";
import { bookOf } from "./run-book.ts";
import { boundRun, type CallRun, runFor } from "./run-source.ts";
import { runTool, type StartingCall } from "./tool-call.ts";
import {
  argsForPolicy,
  isObject,
  isRunnableTool,
  isToolInside,
  type RunnableTool,
  register,
  type ToolConfig,
  type ToolInside,
  tagsOf,
} from "./tool-shape.ts";

/**
 * The same tools, each of whose calls is decided first: with the arguments that its code would get, and with its raw result
 * afterwards. A blocked call answers with an error message for the model, or, where it was called without a tool call's id, throws
 * `PolicyDenied`. The tools themselves are left alone; what runs elsewhere, such as a provider's own tool, is handed on as it is.
 */
export function governTools<T extends readonly unknown[]>(hb: AnyClient, tools: T, options: GovernOptions = {}): T {
  register(hb, tools);
  // Each tool in its place, of its own type.
  return tools.map((tool) => governTool(hb, tool, options)) as unknown as T;
}

function governTool(hb: AnyClient, tool: unknown, options: GovernOptions): unknown {
  if (isGovernedBy(tool, hb)) return tool;
  const start = (given: CallRun, asked: unknown, callId: string | undefined): Promise<StartingCall> =>
    startCall(given, { tool, args: asked, callId });
  const known = (config: ToolConfig | undefined): AnyRun | undefined =>
    options.run ?? boundRun(hb, config?.configurable);
  const source = (config: ToolConfig | undefined): CallRun => runFor(hb, known(config));
  if (isToolInside(tool)) {
    const governed = deriveTool(tool, known, async (args, sink, config) =>
      runTool(tool, await start(source(config), args, config?.toolCall?.id), { args, sink, config }),
    );
    return markGoverned(governed, hb);
  }
  if (isRunnableTool(tool)) return markGoverned(governedRunnable(tool, source, start), hb);
  return tool;
}

/** The run of a call, where there is one already. */
type KnownRun = (config: ToolConfig | undefined) => AnyRun | undefined;
type Source = (config: ToolConfig | undefined) => CallRun;
type Start = (given: CallRun, args: unknown, callId: string | undefined) => Promise<StartingCall>;

async function startCall(
  { run, owned }: CallRun,
  { tool, args, callId }: { readonly tool: unknown; readonly args: unknown; readonly callId: string | undefined },
): Promise<StartingCall> {
  // Only named tools get here.
  const { name } = tool as { readonly name: string };
  const asked = argsForPolicy(args);
  const book = bookOf(run);
  // A governed tool node has decided it with the rest of its batch.
  const known = callId === undefined ? undefined : book.takeDecision(callId, asked);
  const before = known ?? (await run.beforeTool({ name, args: asked, callId, tags: tagsOf(tool) }));
  const close = (failed: boolean): void => {
    book.finish(before);
    if (owned) void run.end(failed ? "error" : "success");
  };
  return { run, before, close, giveBack: () => book.giveBack(before) };
}

export type CallBody = (args: unknown, sink: unknown, config?: ToolConfig) => Promise<unknown>;

/** The same tool with other code; its calls are known to `HandlebarGuard` as decided. */
export function deriveTool(tool: ToolInside, known: KnownRun, body: CallBody): ToolInside {
  const derived: ToolInside = Object.create(tool, {
    _call: { value: body, configurable: true, writable: true },
    invoke: {
      value: (input: unknown, config?: ToolConfig): Promise<unknown> => {
        const run = known(config);
        if (run === undefined) return tool.invoke.call(derived, input, config);
        const runId = config?.runId ?? crypto.randomUUID();
        takeInHand(run, runId);
        return tool.invoke.call(derived, input, { ...config, runId });
      },
      configurable: true,
      writable: true,
    },
  }) as ToolInside;
  return derived;
}

function governedRunnable(tool: RunnableTool, source: Source, start: Start): RunnableTool {
  const invoke = async (input: unknown, config?: ToolConfig): Promise<unknown> => {
    const asked = isObject(input) && "args" in input && "id" in input ? input : undefined;
    const callId = typeof asked?.id === "string" ? asked.id : undefined;
    const inner: ToolInside = {
      name: tool.name,
      invoke: tool.invoke,
      _call: (args, _sink, innerConfig) => tool.invoke(asked === undefined ? args : { ...asked, args }, innerConfig),
    };
    const args = asked === undefined ? input : asked.args;
    const call = await start(source(config), args, callId);
    return runTool(inner, call, { args, sink: undefined, config: { ...config, toolCall: { id: callId } } });
  };
  return Object.create(tool, { invoke: { value: invoke, configurable: true, writable: true } }) as RunnableTool;
}
