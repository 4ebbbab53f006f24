import { type ToolDecision, withRun } from "@handlebar/core";
import { type AnyClient, type AnyRun, perRun } from "@handlebar/core/adapter";
import type { ToolMessage } from "@langchain/core/messages";
import type { Command } from "@langchain/langgraph";
import { deriveTool } from "./govern-tools.ts";
import { isGovernedBy } from "./governed-mark.ts";
import { HandlebarGuard } from "./guard.ts";
import { canPause, isPending, type PausingRuntime } from "./held-batch.ts";
import type { LangChainToolCall } from "./message-text.ts";
import { bookOf } from "./run-book.ts";
import { slotOf, stopMessage } from "./run-source.ts";
import { deniedMessage, isBubbleUp, runTool } from "./tool-call.ts";
import { argsForPolicy, isObject, isToolInside, parsedArgs, tagsOf } from "./tool-shape.ts";

/** A tool call as LangChain hands it to middleware. */
export interface ToolRequest {
  readonly toolCall: LangChainToolCall;
  readonly tool: unknown;
  readonly state: unknown;
  readonly runtime: PausingRuntime & { readonly signal?: AbortSignal | undefined };
}

type Answer = ToolMessage | Command;

export interface GovernedRequest {
  readonly hb: AnyClient;
  readonly request: ToolRequest;
  readonly next: (request: ToolRequest) => Promise<Answer>;
  readonly pauses: boolean;
}

/** One tool call of an agent, from the decision on it to what the model gets to see. */
export async function governCall(run: AnyRun, governed: GovernedRequest): Promise<Answer> {
  const { hb, next, request } = governed;
  const { toolCall } = request;
  const tool = ungoverned(request.tool, hb);
  const before = await decisionOn(run, { ...request, tool }, governed.pauses).catch((error: unknown) => {
    markInterrupted(hb, request.runtime);
    throw error;
  });
  if (before.verdict === "BLOCK") {
    bookOf(run).finish(before);
    return deniedMessage(toolCall, before.message);
  }
  const slot = slotOf(hb, request.runtime.configurable);
  const guard = slot === undefined ? undefined : guardOf(run, hb);
  let ran = false;
  const close = (): void => {
    ran = true;
    bookOf(run).finish(before);
  };
  const derived = isToolInside(tool)
    ? deriveTool(
        tool,
        () => run,
        (args, sink, config) => runTool(tool, { run, before, close, guard }, { args, sink, config }),
      )
    : tool;
  const stopped = run.notStarted(before);
  if (stopped !== undefined) return deniedMessage(toolCall, stopped.message);
  try {
    const answer = await withRun(run, () => next({ ...request, tool: derived }));
    if (!ran) await record(run, before, { result: "content" in answer ? answer.content : undefined });
    return answer;
  } catch (error) {
    if (isBubbleUp(error)) {
      bookOf(run).giveBack(before);
      markInterrupted(hb, request.runtime);
      throw error;
    }
    // The tool's code was never reached, such as for arguments that do not fit its schema.
    if (!ran) await record(run, before, { error });
    return failure(error, run, governed);
  }
}

const guards = perRun(Symbol("handlebar.langchain.guard"), (): { guard?: HandlebarGuard } => ({}));

/** What looks after the code of a run's tools. Making one reads the environment, which takes as long as a decision. */
function guardOf(run: AnyRun, hb: AnyClient): HandlebarGuard {
  const kept = guards(run);
  kept.guard ??= new HandlebarGuard({ hb, run });
  return kept.guard;
}

/** Somebody is waited for: the invocation ends without its run being over. */
function markInterrupted(hb: AnyClient, { configurable }: PausingRuntime): void {
  const slot = slotOf(hb, configurable);
  if (slot !== undefined) slot.isInterrupted = true;
}

async function record(
  run: AnyRun,
  before: ToolDecision,
  outcome: { result?: unknown; error?: unknown },
): Promise<void> {
  bookOf(run).finish(before);
  await run.afterTool(before, outcome);
}

/** A tool that decides its own calls too is asked once: here, with the rest of its batch. */
function ungoverned(tool: unknown, hb: AnyClient): unknown {
  let inner = tool;
  while (isObject(inner) && Object.hasOwn(inner, "_call") && isGovernedBy(inner, hb))
    inner = Object.getPrototypeOf(inner);
  return inner;
}

async function decisionOn(run: AnyRun, request: ToolRequest, pauses: boolean): Promise<ToolDecision> {
  const { toolCall, tool, runtime } = request;
  const book = bookOf(run);
  const { id, name } = toolCall;
  if (id !== undefined && book.batchOf(id) === undefined) {
    const given = book.takeDecisionOnGiven(id, { tool, args: toolCall.args });
    if (given !== undefined) return given;
  }
  const asked = argsForPolicy(await parsedArgs(tool, toolCall.args));
  if (id !== undefined) {
    const held = await book.batchOf(id)?.admit(id, runtime);
    if (held !== undefined && !book.isTaken(held.before)) book.note([held]);
    const known = book.takeDecision(id, asked);
    if (known !== undefined) return known;
  }
  const before = await run.beforeTool({ callId: id, name, args: asked, tags: tagsOf(tool) });
  const call = { asked, before };
  if (!isPending(call) || !pauses || !canPause(runtime)) {
    book.note([call]);
    return book.take(before);
  }
  const admitted = await book.hold(run, [call], "decided").admit(before.callId, runtime);
  return book.take(admitted?.before ?? before);
}

/** What becomes of a tool's error: what it would without Handlebar, unless the run is over. */
function failure(error: unknown, run: AnyRun, { hb, request }: GovernedRequest): ToolMessage {
  const { toolCall, runtime } = request;
  const isAborted = runtime.signal?.aborted === true;
  if (run.terminated && !isAborted) return deniedMessage(toolCall, stopMessage(run));
  if (isAborted) throw error;
  const isOnlyWrapper = slotOf(hb, runtime.configurable)?.isOnlyWrapper === true;
  if (isInvocationError(error)) {
    if (isOnlyWrapper) return deniedMessage(toolCall, error.message);
    throw error;
  }
  if (isOnlyWrapper) return deniedMessage(toolCall, `${String(error)}\n Please fix your mistakes.`);
  // LangChain takes errors that pass middleware for errors of the middleware, which end the agent; it knows a tool's by this brand.
  if (isObject(error) && !("~brand" in error) && Object.isExtensible(error)) {
    Object.defineProperty(error, "~brand", { value: "ToolInvocationError", configurable: true });
  }
  throw error;
}

/** The arguments do not fit the tool's schema. */
function isInvocationError(error: unknown): error is Error {
  return error instanceof Error && "~brand" in error && error["~brand"] === "ToolInvocationError";
}
