import type Anthropic from "@anthropic-ai/sdk";
import type { Run, ToolDecision } from "@handlebar/core";
import { fromMessage, fromMessages, toMessage, toMessages, toUsage } from "./messages.ts";

/** A tool of the loop: what the model is told of it, and what it does. */
export interface LoopTool extends Anthropic.Tool {
  execute(args: unknown, signal: AbortSignal): Promise<unknown>;
}

export interface LoopAgent {
  readonly client: Anthropic;
  readonly model: string;
  readonly system: string;
  readonly tools: readonly LoopTool[];
}

const STEP_COUNT_MAX = 20;

/** The agent's loop: ask the model, run the tools it asks for, until it has nothing more to ask. */
export async function runAgent(agent: LoopAgent, run: Run, prompt: string): Promise<string> {
  const messages: Anthropic.MessageParam[] = [{ role: "user", content: prompt }];
  for (let step = 0; step < STEP_COUNT_MAX; step++) {
    const answer = await askModel(agent, run, messages);
    if ("stopped" in answer) return answer.stopped;
    messages.push({ role: "assistant", content: answer.content });
    const calls = answer.content.filter((block) => block.type === "tool_use");
    if (calls.length === 0) return answer.content.map((block) => (block.type === "text" ? block.text : "")).join("");
    const decisions = await run.beforeTools(calls.map(({ id, name, input }) => ({ callId: id, name, args: input })));
    const ending = decisions.find(({ control }) => control === "TERMINATE");
    if (ending !== undefined) return ending.message;
    messages.push({ role: "user", content: await Promise.all(decisions.map((one) => runTool(agent, run, one))) });
  }
  return "the agent took too many steps";
}

/** One request to the model. Its answer is read from a stream, and nothing of it goes on before policy has judged the whole. */
async function askModel(
  { client, model, system, tools }: LoopAgent,
  run: Run,
  messages: readonly Anthropic.MessageParam[],
): Promise<{ readonly content: Anthropic.ContentBlockParam[] } | { readonly stopped: string }> {
  const about = { name: model, provider: "anthropic" };
  const before = await run.beforeLlm({ messages: toMessages(system, messages), model: about });
  if (before.verdict === "BLOCK") return { stopped: before.message };
  const request = {
    model,
    max_tokens: 1024,
    tools: tools.map(({ execute: _, ...tool }) => tool),
    ...fromMessages(before.messages, messages),
  };
  let response: Anthropic.Message;
  try {
    response = await client.messages.stream(request, { signal: run.signal }).finalMessage();
  } catch (error) {
    await run.afterLlm({ callId: before.callId, model: about, error });
    throw error;
  }
  const after = await run.afterLlm({
    callId: before.callId,
    model: about,
    usage: toUsage(response.usage),
    response: toMessage(response),
  });
  if (after.verdict === "BLOCK") return { stopped: after.message };
  const content = fromMessage(after.response, response.content as Anthropic.ContentBlockParam[]);
  return { content: typeof content === "string" ? [{ type: "text", text: content }] : content };
}

async function runTool(
  { tools }: LoopAgent,
  run: Run,
  decision: ToolDecision,
): Promise<Anthropic.ToolResultBlockParam> {
  const said = (content: unknown, isError = false): Anthropic.ToolResultBlockParam => ({
    type: "tool_result",
    tool_use_id: decision.callId,
    content: typeof content === "string" ? content : JSON.stringify(content),
    is_error: isError,
  });
  const stopped = decision.verdict === "BLOCK" ? decision : run.notStarted(decision);
  if (stopped !== undefined) return said(stopped.message, true);
  try {
    const tool = tools.find(({ name }) => name === decision.name);
    if (tool === undefined) throw new Error(`there is no tool \`${decision.name}\``);
    const after = await run.afterTool(decision, { result: await tool.execute(decision.args, run.signal) });
    return after.verdict === "BLOCK" ? said(after.message, true) : said(after.result);
  } catch (error) {
    await run.afterTool(decision, { error });
    return said(error instanceof Error ? error.message : String(error), true);
  }
}
