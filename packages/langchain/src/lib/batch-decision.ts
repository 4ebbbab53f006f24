import type { AnyRun } from "@handlebar/core/adapter";
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { canPause, type DecidedCall, isPending, type PausingRuntime } from "./held-batch.ts";
import { type KeptState, STATE_KEY } from "./kept-state.ts";
import { type LangChainToolCall, toolCallsOf } from "./message-text.ts";
import { bookOf, type GivenArgs } from "./run-book.ts";
import { stopMessage } from "./run-source.ts";
import { deniedMessage } from "./tool-call.ts";
import { argsForPolicy, nameOf, parsedArgs, tagsOf } from "./tool-shape.ts";

export interface BatchContext {
  readonly run: AnyRun;
  readonly tools: readonly unknown[];
  readonly runtime: PausingRuntime;
  /** Held calls pause the graph where it can be paused. */
  readonly pauses: boolean;
  readonly owned: boolean;
}

/** What the state of the agent gets beside the model's answer. */
export interface BatchUpdate {
  readonly messages?: readonly BaseMessage[];
  readonly [STATE_KEY]?: KeptState;
}

/** Decides the calls of a model's answer in order, as one, before any of them reaches a tool. */
export async function decideBatch(answer: AIMessage, context: BatchContext): Promise<BatchUpdate | undefined> {
  const { run } = context;
  const calls = toolCallsOf(answer);
  if (calls.length === 0) return undefined;
  const known = knownCalls(calls, context);
  const decided = await decideCalls(known, context);
  if (run.terminated) return stopped(run, answer, decided);
  const book = bookOf(run);
  const keeps = canPause(context.runtime);
  const holds = keeps && context.pauses && decided.some(isPending);
  if (holds) book.hold(run, decided, "decided");
  else book.note(decided, known);
  if (!keeps) return undefined;
  const kept: KeptState = { runId: run.runId, owned: context.owned, snapshot: run.pause() };
  return { [STATE_KEY]: holds ? { ...kept, held: decided } : kept };
}

interface KnownCall extends GivenArgs {
  readonly call: LangChainToolCall;
}

/** What has no tool here, such as the call that carries structured output, runs no code. */
function knownCalls(calls: readonly LangChainToolCall[], { tools }: BatchContext): readonly KnownCall[] {
  return calls.flatMap((call) => {
    const tool = tools.find((candidate) => nameOf(candidate) === call.name);
    return tool === undefined ? [] : [{ call, tool, args: call.args }];
  });
}

async function decideCalls(known: readonly KnownCall[], { run }: BatchContext): Promise<readonly DecidedCall[]> {
  if (known.length === 0) return [];
  const asked = await Promise.all(known.map(async ({ tool, args }) => argsForPolicy(await parsedArgs(tool, args))));
  const decisions = await run.beforeTools(
    known.map(({ call, tool }, at) => ({ callId: call.id, name: call.name, args: asked[at], tags: tagsOf(tool) })),
  );
  return decisions.map((before, at) => ({ asked: asked[at], before }));
}

/** The run is over: every call of the answer gets its own, and the agent an end. */
function stopped(run: AnyRun, answer: AIMessage, decided: readonly DecidedCall[]): BatchUpdate {
  const text = stopMessage(run);
  const told = toolCallsOf(answer).map((call) => {
    const own = decided.find(({ before }) => before.callId === call.id);
    return deniedMessage(call, own?.before.message ?? text);
  });
  return { messages: [...told, new AIMessage(text)] };
}
