import { type ToolDecision, withRun } from "@handlebar/core";
import { type AnyRun, type Decision, PolicyDenied } from "@handlebar/core/adapter";
import { ToolMessage } from "@langchain/core/messages";
import { guardedSink, type HandlebarGuard } from "./guard.ts";
import { LinkedSignal } from "./linked-signal.ts";
import { stopMessage } from "./run-source.ts";
import { readOutput } from "./tool-outcome.ts";
import { argsForTool, isObject, type ToolConfig, type ToolInside } from "./tool-shape.ts";

/** One call that is about to start. */
export interface StartingCall {
  readonly run: AnyRun;
  readonly before: ToolDecision;
  /** Called once, when the call has come to an end or will not start. */
  readonly close?: (failed: boolean) => void;
  /** Called where the graph pauses while the call is under way. */
  readonly giveBack?: () => void;
  /** Looks after what the tool's code calls. */
  readonly guard?: HandlebarGuard | undefined;
}

/** Runs one decided call: the tool's own code, unless it is blocked, and what policy leaves of its result. */
export async function runTool(tool: ToolInside, call: StartingCall, given: GivenCall): Promise<unknown> {
  const { run, before, close } = call;
  const stopped = before.verdict === "BLOCK" ? before : run.notStarted(before);
  if (stopped !== undefined) {
    close?.(false);
    return deniedOutput(tool, given, stopped);
  }
  let made: Drained;
  try {
    made = await withRun(run, () => execute(tool, call, given));
  } catch (error) {
    // A pause of the graph is no end of the call: it starts anew when the graph goes on.
    if (isBubbleUp(error)) {
      call.giveBack?.();
      throw error;
    }
    const after = await run.afterTool(before, { error });
    close?.(true);
    if (run.terminated && given.config?.signal?.aborted !== true)
      return deniedOutput(tool, given, { ...after, message: stopMessage(run) });
    throw error;
  }
  const output = readOutput(made.result, hasArtifact(tool));
  const after = await run.afterTool(before, { result: output.payload });
  close?.(false);
  if (after.verdict === "BLOCK") return deniedOutput(tool, given, after);
  if (after.result !== output.payload) return output.withPayload(after.result);
  return made.pieces === undefined ? made.result : replay(made.pieces, made.result);
}

/** A call as the framework hands it to the tool's code. */
export interface GivenCall {
  readonly args: unknown;
  readonly sink: unknown;
  readonly config: ToolConfig | undefined;
}

async function execute(
  tool: ToolInside,
  { run, before, guard }: StartingCall,
  { args, sink, config }: GivenCall,
): Promise<Drained> {
  const link = new LinkedSignal(config?.signal, run.signal);
  const watched = guard === undefined ? sink : guardedSink(sink, guard);
  try {
    return await drained(tool._call(argsForTool(args, before.args), watched, { ...config, signal: link.signal }));
  } finally {
    link.release();
  }
}

function hasArtifact(tool: ToolInside): boolean {
  return tool.responseFormat === "content_and_artifact";
}

/** What the model is told in place of a result; a caller that asked for no message gets an error. */
function deniedOutput(tool: ToolInside, given: GivenCall, decision: Decision): unknown {
  const id = given.config?.toolCall?.id;
  if (id === undefined) throw new PolicyDenied(decision);
  const told = deniedMessage({ id, name: tool.name }, decision.message);
  return hasArtifact(tool) ? [told, undefined] : told;
}

/** Always an error: a `success` would end an agent whose tool returns directly. */
export function deniedMessage(
  call: { readonly id?: string | undefined; readonly name: string },
  text: string,
): ToolMessage {
  return new ToolMessage({ content: text, tool_call_id: call.id ?? "", name: call.name, status: "error" });
}

/** LangGraph's own signals, such as an interrupt, are thrown through everything. */
export function isBubbleUp(error: unknown): boolean {
  return isObject(error) && "is_bubble_up" in error && error.is_bubble_up === true;
}

interface Drained {
  readonly result: unknown;
  /** What a tool that streams its progress said on the way. */
  readonly pieces?: readonly unknown[];
}

/** Pieces are kept for as long as nothing is decided about the whole; beyond this many the first ones are given up. */
const PIECE_COUNT_MAX = 10_000;

async function drained(raw: unknown): Promise<Drained> {
  const made = await raw;
  if (!isGenerator(made)) return { result: made };
  const pieces: unknown[] = [];
  for (;;) {
    const next = await made.next();
    if (next.done === true) return { result: next.value, pieces };
    pieces.push(next.value);
    if (pieces.length > PIECE_COUNT_MAX) pieces.shift();
  }
}

async function* replay(pieces: readonly unknown[], result: unknown): AsyncGenerator {
  yield* pieces;
  return result;
}

function isGenerator(value: unknown): value is AsyncGenerator {
  return isObject(value) && Symbol.asyncIterator in value && "next" in value && typeof value.next === "function";
}
