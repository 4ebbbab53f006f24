import type { Run, ToolRun } from "@handlebar/core";
import type { Decision, Message } from "@handlebar/protocol";
import type { AnyTool } from "./tools.ts";

/** What a model answers in one turn. */
export interface Turn {
  readonly text?: string;
  readonly calls: readonly { readonly tool: string; readonly args: object }[];
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number; readonly costUsd: number };
}

export interface AgentOptions {
  readonly prompt: string;
  /** Answers a conversation; a real one would ask a provider. */
  readonly model: (messages: readonly Message[]) => Promise<Turn | undefined>;
  readonly tools: ReadonlyMap<string, AnyTool>;
  readonly onMessages: (decision: Decision, messages: readonly Message[]) => void;
  readonly onCall: (call: { readonly tool: string; readonly args: object }, outcome: ToolRun<unknown>) => void;
}

/** An agent's loop, written by hand. The calls of `run` are all that governing it takes. */
export async function runAgent(run: Run, options: AgentOptions): Promise<void> {
  const messages: Message[] = [{ role: "user", content: options.prompt }];
  while (!run.terminated) {
    const request = await run.beforeLlm({ messages });
    options.onMessages(request, request.messages);
    if (request.verdict === "BLOCK") return;
    const turn = await options.model(request.messages);
    if (turn === undefined) return;
    await run.afterLlm({
      callId: request.callId,
      usage: turn.usage,
      ...(turn.text === undefined ? {} : { response: { role: "assistant", content: turn.text } }),
    });
    for (const call of turn.calls) {
      const tool = options.tools.get(call.tool);
      if (tool === undefined) throw new Error(`the script calls ${call.tool}, which does not exist`);
      // The script's arguments fit its tools; the model of a real agent is held to the tool's schema.
      const outcome = await run.tool({ ...tool, args: call.args as never });
      options.onCall(call, outcome);
      const content = outcome.status === "done" ? JSON.stringify(outcome.result) : outcome.decision.message;
      messages.push({ role: "tool", content });
    }
  }
}
