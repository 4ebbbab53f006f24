import type { Message } from "@handlebar/core/adapter";
import type { ModelTurn, PlanModel } from "@handlebar/testing";
import type { AgentInputItem, AgentOutputItem, Model, ModelRequest, ModelResponse, StreamEvent } from "@openai/agents";
import { Usage } from "@openai/agents";

/** A model of the framework that a scripted provider stands behind. */
export function frameworkModel(plan: PlanModel): Model {
  return {
    async getResponse(request: ModelRequest): Promise<ModelResponse> {
      const turn = await plan.answer(asked(request));
      if (turn.failsAfter !== undefined) throw turn.failsAfter;
      return { usage: usageOf(turn), output: outputOf(turn), responseId: "r" };
    },
    async *getStreamedResponse(request: ModelRequest): AsyncIterable<StreamEvent> {
      const turn = await plan.answer(asked(request));
      yield { type: "response_started" };
      for (const delta of turn.chunks) {
        yield { type: "output_text_delta", delta };
        yield { type: "model", event: { type: "response.output_text.delta", delta } };
      }
      if (turn.failsAfter !== undefined) throw turn.failsAfter;
      const { inputTokens, outputTokens, totalTokens } = usageOf(turn);
      yield {
        type: "response_done",
        response: { id: "r", usage: { inputTokens, outputTokens, totalTokens }, output: outputOf(turn) as [] },
      };
    },
  };
}

function asked(request: ModelRequest): Parameters<PlanModel["answer"]>[0] {
  return {
    messages: [
      ...(request.systemInstructions === undefined
        ? []
        : [{ role: "system" as const, content: request.systemInstructions }]),
      ...(typeof request.input === "string"
        ? [{ role: "user" as const, content: request.input }]
        : request.input.map(messageOf)),
    ],
    tools: [...request.tools.map(({ name }) => name), ...request.handoffs.map(({ toolName }) => toolName)],
    signal: request.signal,
  };
}

/** What the provider would read, written without the adapter's own reading of items. */
function messageOf(item: AgentInputItem): Message {
  switch (item.type) {
    case "function_call":
      return {
        role: "assistant",
        content: [
          { type: "tool-call", callId: item.callId, tool: item.name, args: JSON.parse(item.arguments || "{}") },
        ],
      };
    case "function_call_result": {
      const text = typeof item.output === "object" && "text" in item.output ? item.output.text : item.output;
      return {
        role: "tool",
        content: [
          { type: "tool-result", callId: item.callId, tool: item.name, result: JSON.parse(JSON.stringify(text)) },
        ],
      };
    }
    default: {
      if (!("role" in item)) return { role: "assistant", content: JSON.stringify(item) };
      const { role, content } = item;
      if (typeof content === "string") return { role, content };
      return { role, content: content.map((part) => ("text" in part ? part.text : JSON.stringify(part))).join("") };
    }
  }
}

function outputOf({ chunks, calls }: ModelTurn): AgentOutputItem[] {
  const text = chunks.join("");
  return [
    ...(text === "" && calls.length > 0
      ? []
      : [
          {
            type: "message" as const,
            role: "assistant" as const,
            status: "completed" as const,
            content: [{ type: "output_text" as const, text }],
          },
        ]),
    ...calls.map(({ callId, tool, args }) => ({
      type: "function_call" as const,
      callId,
      name: tool,
      status: "completed" as const,
      arguments: JSON.stringify(args),
    })),
  ];
}

function usageOf({ usage }: ModelTurn): Usage {
  const { inputTokens = 0, outputTokens = 0 } = usage;
  return new Usage({ inputTokens, outputTokens, totalTokens: inputTokens + outputTokens });
}
