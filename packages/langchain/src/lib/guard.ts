import { getCurrentRun, type ToolDecision } from "@handlebar/core";
import { type AnyRun, PolicyDenied } from "@handlebar/core/adapter";
import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { BaseMessage } from "@langchain/core/messages";
import type { LLMResult } from "@langchain/core/outputs";
import { GOVERNED } from "./governed-mark.ts";
import { isInHand } from "./in-hand.ts";
import { ModelCall } from "./model-call.ts";
import type { RunSlot } from "./run-source.ts";
import { argsForPolicy, isObject } from "./tool-shape.ts";

/** Calls under way at once; the one begun longest ago is given up beyond it. */
const OPEN_COUNT_MAX = 1024;

/**
 * Governs what the middleware cannot reach: tools and models of agents, chains and summaries that run inside a governed agent without
 * being governed themselves. It can stop their calls and counts what they use; it cannot rewrite what goes in or comes out.
 */
export class HandlebarGuard extends BaseCallbackHandler {
  readonly name: string = "handlebar";
  readonly #slot: Pick<RunSlot, "hb" | "run">;
  readonly #tools = new Map<string, { readonly run: AnyRun; readonly before: ToolDecision }>();
  readonly #models = new Map<string, ModelCall>();

  constructor(slot: Pick<RunSlot, "hb" | "run">) {
    // A callback that is not awaited, or whose errors are only logged, stops nothing.
    super({ raiseError: true, ignoreRetriever: true, ignoreCustomEvent: true, ignoreChain: true });
    this.awaitHandlers = true;
    this.#slot = slot;
  }

  override async handleToolStart(tool: unknown, input: unknown, ...rest: readonly unknown[]): Promise<void> {
    const [runId, , , , runName, callId] = rest;
    if (typeof runId !== "string") return;
    const run = this.#runOf(runId);
    if (run === undefined) return;
    const before = await run.beforeTool({
      name: nameOf(tool, runName),
      args: argsForPolicy(readInput(input)),
      ...(typeof callId === "string" ? { callId } : {}),
    });
    const stopped = before.verdict === "BLOCK" ? before : run.notStarted(before);
    if (stopped !== undefined) throw new PolicyDenied(stopped);
    keep(this.#tools, runId, { run, before });
  }

  override async handleToolEnd(output: unknown, runId: string): Promise<void> {
    const call = take(this.#tools, runId);
    if (call === undefined) return;
    const result = isObject(output) && "content" in output ? output.content : output;
    const after = await call.run.afterTool(call.before, { result });
    if (after.verdict === "BLOCK") throw new PolicyDenied(after);
  }

  override async handleToolError(error: unknown, runId: string): Promise<void> {
    const call = take(this.#tools, runId);
    if (call !== undefined) await call.run.afterTool(call.before, { error });
  }

  override async handleChatModelStart(
    _model: unknown,
    messages: BaseMessage[][],
    ...rest: readonly unknown[]
  ): Promise<void> {
    const [runId, , , , metadata] = rest;
    if (typeof runId !== "string") return;
    const run = isObject(metadata) && GOVERNED in metadata ? undefined : this.#runOf(runId);
    if (run === undefined) return;
    const call = await ModelCall.open(run, messages[0] ?? [], modelOf(metadata));
    if (call.blockedBy !== undefined) throw new PolicyDenied(call.blockedBy);
    keep(this.#models, runId, call);
  }

  override async handleLLMEnd(output: LLMResult, runId: string): Promise<void> {
    const call = take(this.#models, runId);
    const generation = output.generations[0]?.[0];
    if (call === undefined || generation === undefined) return;
    const answer = "message" in generation ? generation.message : undefined;
    // A chat model's generation carries its message.
    const settled = await call.judge(answer as BaseMessage | undefined, output.llmOutput);
    if (settled !== undefined) throw settled;
  }

  override async handleLLMError(error: unknown, runId: string): Promise<void> {
    await take(this.#models, runId)?.fail(error);
  }

  /** The run of a call that nobody else decides on. */
  #runOf(callbackId: string): AnyRun | undefined {
    const { hb, run } = this.#slot;
    if (run === undefined || isInHand(run, callbackId)) return undefined;
    const current = getCurrentRun();
    // What runs inside another client's run is that client's to govern.
    return current === undefined || current === run || hb.owns(current) ? run : undefined;
  }
}

function keep<T>(calls: Map<string, T>, id: string, call: T): void {
  calls.set(id, call);
  if (calls.size <= OPEN_COUNT_MAX) return;
  const [oldest] = calls.keys();
  if (oldest !== undefined) calls.delete(oldest);
}

function take<T>(calls: Map<string, T>, id: string): T | undefined {
  const call = calls.get(id);
  calls.delete(id);
  return call;
}

/** Callbacks are told a tool's name as the run's name, else only in its serialised form. */
function nameOf(tool: unknown, runName: unknown): string {
  if (typeof runName === "string" && runName !== "") return runName;
  if (!isObject(tool)) return "unknown";
  if ("name" in tool && typeof tool.name === "string") return tool.name;
  const kwargs = "kwargs" in tool && isObject(tool.kwargs) ? tool.kwargs : undefined;
  return kwargs !== undefined && "name" in kwargs && typeof kwargs.name === "string" ? kwargs.name : "unknown";
}

function readInput(input: unknown): unknown {
  if (typeof input !== "string") return input;
  try {
    const read: unknown = JSON.parse(input);
    return isObject(read) ? read : input;
  } catch {
    return input;
  }
}

function modelOf(metadata: unknown): { name: string; provider?: string } | undefined {
  if (!isObject(metadata) || !("ls_model_name" in metadata) || typeof metadata.ls_model_name !== "string")
    return undefined;
  const provider =
    "ls_provider" in metadata && typeof metadata.ls_provider === "string" ? metadata.ls_provider : undefined;
  return provider === undefined ? { name: metadata.ls_model_name } : { name: metadata.ls_model_name, provider };
}

/** The callbacks with a guard among them, whether they come as a list, as a manager or not at all. */
export function withGuard(callbacks: unknown, guard: HandlebarGuard): unknown {
  if (callbacks === undefined || callbacks === null) return [guard];
  if (Array.isArray(callbacks)) return [...callbacks, guard];
  if (!isObject(callbacks) || !("copy" in callbacks) || typeof callbacks.copy !== "function") return [guard];
  const copy: unknown = callbacks.copy();
  if (isObject(copy) && "addHandler" in copy && typeof copy.addHandler === "function") copy.addHandler(guard, true);
  return copy;
}

/** A tool's callback manager, whose children are guarded: what the tool's code calls is seen, at no cost to what is around it. */
export function guardedSink(sink: unknown, guard: HandlebarGuard): object {
  if (!isObject(sink)) return { getChild: () => [guard] };
  const getChild = (tag?: string): unknown => {
    const child: unknown = "getChild" in sink && typeof sink.getChild === "function" ? sink.getChild(tag) : undefined;
    return isFreshManager(child) ? guardedManager(child, guard) : withGuard(child, guard);
  };
  // Everything else comes from the manager itself.
  return Object.create(sink, { getChild: { value: getChild, configurable: true, writable: true } }) as object;
}

interface FreshManager {
  readonly handlers: readonly unknown[];
  addHandler(handler: HandlebarGuard, inherit: boolean): void;
}

/** A manager that was made for one child, which needs no copy. */
function isFreshManager(child: unknown): child is FreshManager {
  return (
    isObject(child) &&
    "addHandler" in child &&
    typeof child.addHandler === "function" &&
    "handlers" in child &&
    Array.isArray(child.handlers)
  );
}

function guardedManager(child: FreshManager, guard: HandlebarGuard): object {
  if (!child.handlers.includes(guard)) child.addHandler(guard, true);
  return child;
}
