import type { Run, ToolDecision } from "@handlebar/core";
import type OpenAI from "openai";
import { fromMessage, type Message, type Param, toMessage } from "./messages.ts";

/** A tool of the loop: what the model is told of it, and what it does. */
export interface LoopTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: Record<string, unknown>;
  readonly tags?: readonly string[];
  execute(args: unknown, signal: AbortSignal): unknown;
}

export interface LoopAgent {
  readonly client: OpenAI;
  readonly model: string;
  readonly system: string;
  readonly tools: readonly LoopTool[];
}

const STEP_COUNT_MAX = 20;

/** The agent's loop: ask the model, run the tools it asks for, until it has nothing more to ask. */
export async function runAgent(agent: LoopAgent, run: Run, prompt: string): Promise<string> {
  const messages: Param[] = [
    { role: "system", content: agent.system },
    { role: "user", content: prompt },
  ];
  for (let step = 0; step < STEP_COUNT_MAX; step++) {
    const answer = await askModel(agent, run, messages);
    messages.push(answer);
    const calls = (answer.tool_calls ?? []).filter((call) => call.type === "function");
    if (calls.length === 0) return typeof answer.content === "string" ? answer.content : "";
    const decisions = await run.beforeTools(calls.map((call) => toolCall(agent, call)));
    const ending = decisions.find(({ control }) => control === "TERMINATE");
    if (ending !== undefined) return ending.message;
    messages.push(...(await Promise.all(decisions.map((decision) => runTool(agent, run, decision)))));
  }
  return "the agent took too many steps";
}

/** One request. The answer is read from a stream, and nothing of it goes on before policy has judged the whole. */
async function askModel(
  { client, model, tools }: LoopAgent,
  run: Run,
  messages: readonly Param[],
): Promise<OpenAI.ChatCompletionAssistantMessageParam> {
  const about = { name: model, provider: "openai" };
  const before = await run.beforeLlm({ messages: messages.map(toMessage), model: about });
  if (before.verdict === "BLOCK") return { role: "assistant", content: before.message };
  let completion: OpenAI.ChatCompletion;
  try {
    completion = await client.chat.completions
      .stream(
        {
          model,
          messages: before.messages.map((decided, at) => backAt(decided, messages, at)),
          tools: tools.map(({ name, description, parameters }) => ({
            type: "function",
            function: { name, description, parameters },
          })),
          stream_options: { include_usage: true },
        },
        { signal: run.signal },
      )
      .finalChatCompletion();
  } catch (error) {
    const after = await run.afterLlm({ callId: before.callId, model: about, error });
    if (run.terminated) return { role: "assistant", content: after.message };
    throw error;
  }
  const said: Param = answerOf(completion);
  const response = toMessage(said);
  const after = await run.afterLlm({ callId: before.callId, model: about, response, usage: usageOf(completion) });
  if (after.response === undefined) return { role: "assistant", content: after.message };
  return after.response === response ? said : (fromMessage(after.response, said) as typeof said);
}

function backAt(decided: Message, messages: readonly Param[], at: number): Param {
  const param = messages[at];
  // One message in, one message out.
  return param === undefined ? { role: "user", content: "" } : fromMessage(decided, param);
}

function answerOf({ choices }: OpenAI.ChatCompletion): OpenAI.ChatCompletionAssistantMessageParam {
  const message = choices[0]?.message;
  const calls = message?.tool_calls ?? [];
  return { role: "assistant", content: message?.content ?? "", ...(calls.length === 0 ? {} : { tool_calls: calls }) };
}

function usageOf({ usage }: OpenAI.ChatCompletion): {
  inputTokens?: number;
  outputTokens?: number;
  cachedInputTokens?: number;
} {
  if (usage === undefined) return {};
  return {
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    cachedInputTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
  };
}

function toolCall({ tools }: LoopAgent, { id, function: asked }: OpenAI.ChatCompletionMessageFunctionToolCall) {
  const tags = tools.find(({ name }) => name === asked.name)?.tags ?? [];
  return { callId: id, name: asked.name, args: parseArgs(asked.arguments), tags };
}

function parseArgs(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is no argument that a rule could read; the tool will say so.
    return { unreadable: text };
  }
}

async function runTool({ tools }: LoopAgent, run: Run, decision: ToolDecision): Promise<Param> {
  const said = (content: unknown): Param => ({
    role: "tool",
    tool_call_id: decision.callId,
    content: typeof content === "string" ? content : JSON.stringify(content),
  });
  const stopped = decision.verdict === "BLOCK" ? decision : run.notStarted(decision);
  if (stopped !== undefined) return said(stopped.message);
  try {
    const tool = tools.find(({ name }) => name === decision.name);
    if (tool === undefined) throw new Error(`there is no tool \`${decision.name}\``);
    const after = await run.afterTool(decision, { result: await tool.execute(decision.args, run.signal) });
    return said(after.verdict === "BLOCK" ? after.message : after.result);
  } catch (error) {
    await run.afterTool(decision, { error });
    return said(`error: ${error instanceof Error ? error.message : String(error)}`);
  }
}
