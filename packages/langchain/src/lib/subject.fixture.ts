import { wrapTool } from "@handlebar/core";
import type { AdapterMode, AgentOutcome, AgentPlan, CallerResult, PausedAgent, PlanTool } from "@handlebar/testing";
import { AIMessage, type BaseMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Command, END, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import type { createAgent, modelRetryMiddleware } from "langchain";
import * as z from "zod";
import { governAgent } from "./govern-agent.ts";
import { governModel } from "./govern-model.ts";
import { governToolNode } from "./govern-tool-node.ts";
import { governTools } from "./govern-tools.ts";
import { handlebar } from "./middleware.ts";
import { ScriptedChatModel } from "./scripted-chat-model.fixture.ts";

/** How the plan's agent is governed and read. */
export interface Wiring {
  readonly mode: AdapterMode;
  readonly governs: "agent" | "middleware" | "graph";
  /** The version of LangChain that the agent is made with. */
  readonly langchain: {
    readonly createAgent: typeof createAgent;
    readonly modelRetryMiddleware: typeof modelRetryMiddleware;
  };
  readonly read: Reader;
  /** How an agent in a tool is read, where that cannot be the same: a run stream in a run stream has no output. */
  readonly readInner?: Reader;
}

export type Reader = (agent: Runnable, input: unknown, config: object) => Promise<Read>;

export interface Runnable {
  invoke(input: unknown, config?: object): Promise<unknown>;
  stream(input: unknown, config?: object): Promise<AsyncIterable<unknown>>;
  streamEvents(input: unknown, config?: object): unknown;
}

/** What a way of reading got. */
export interface Read {
  readonly seen: readonly unknown[];
  readonly chunks: readonly string[];
  readonly messages: readonly BaseMessage[];
  readonly left?: boolean;
  readonly unread?: boolean;
}

const RETRY = { initialDelayMs: 0, jitter: false, onFailure: "error" } as const;
type AgentParams = Parameters<typeof createAgent>[0];
const THREAD = "thread-1";

export async function runPlan(
  plan: AgentPlan,
  wiring: Wiring,
  resumed?: { readonly saver: MemorySaver; readonly value: unknown },
) {
  const native = plan.approvals === "native";
  const saver = resumed?.saver ?? new MemorySaver();
  const agent = buildAgent(plan, wiring, native ? saver : undefined);
  const input =
    resumed === undefined
      ? { messages: [{ role: "user", content: plan.prompt }] }
      : new Command({ resume: resumed.value });
  const config = {
    configurable: { thread_id: THREAD },
    recursionLimit: 2 * plan.stepCountMax,
    ...(plan.signal === undefined ? {} : { signal: plan.signal }),
    consume: plan.consume,
  };
  return outcomeOf(() => wiring.read(agent, input, config), native ? { saver, agent, config } : undefined);
}

function buildAgent(plan: AgentPlan, wiring: Wiring, saver: MemorySaver | undefined): Runnable {
  const { hb, start, approvals } = plan;
  if (wiring.governs === "graph") return buildGraph(plan, wiring, saver);
  const { createAgent, modelRetryMiddleware } = wiring.langchain;
  const options = { start: () => start, approvals: approvals === "native" ? ("pause" as const) : ("block" as const) };
  let model: ScriptedChatModel = new ScriptedChatModel(plan.model);
  let tools: readonly unknown[] = plan.tools.map((one) => buildTool(one, plan, wiring));
  if (hb !== undefined && plan.governTwice) {
    model = governModel(hb, model);
    tools = governTools(hb, governTools(hb, tools));
  }
  const base = {
    model,
    tools: tools as never[],
    ...(plan.system === undefined ? {} : { systemPrompt: plan.system }),
    ...(saver === undefined ? {} : { checkpointer: saver }),
  };
  const retries = plan.retryCount === 0 ? [] : [modelRetryMiddleware({ ...RETRY, maxRetries: plan.retryCount })];
  if (hb === undefined)
    return createAgent({ ...base, middleware: [...retries] } as unknown as AgentParams) as unknown as Runnable;
  if (wiring.governs === "middleware") {
    return createAgent({
      ...base,
      middleware: [...retries, handlebar(hb, options)],
    } as unknown as AgentParams) as unknown as Runnable;
  }
  const agent = governAgent(hb, createAgent({ ...base, middleware: [...retries] } as unknown as AgentParams), options);
  return (plan.governTwice ? governAgent(hb, agent, options) : agent) as unknown as Runnable;
}

/** The same agent as a graph built by hand. */
function buildGraph(plan: AgentPlan, wiring: Wiring, saver: MemorySaver | undefined): Runnable {
  const { hb, start } = plan;
  let model = new ScriptedChatModel(plan.model).bindTools(plan.tools) as unknown as ScriptedChatModel;
  const made = plan.tools.map((one) => buildTool(one, plan, wiring));
  let tools = new ToolNode(made as never[]);
  for (let time = 0; hb !== undefined && time < (plan.governTwice ? 2 : 1); time++) {
    model = governModel(hb, model);
    tools = governToolNode(hb, tools);
  }
  const system = plan.system === undefined ? [] : [new SystemMessage(plan.system)];
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => {
      for (let tries = 0; ; tries++) {
        try {
          return { messages: [await model.invoke([...system, ...messages])] };
        } catch (error) {
          if (tries >= plan.retryCount) throw error;
        }
      }
    })
    .addNode("tools", tools)
    .addEdge(START, "agent")
    .addConditionalEdges("agent", ({ messages }) => {
      const last = messages.at(-1);
      return AIMessage.isInstance(last) && (last.tool_calls ?? []).length > 0 ? "tools" : END;
    })
    .addEdge("tools", "agent")
    .compile(saver === undefined ? {} : { checkpointer: saver });
  if (hb === undefined) return graph as unknown as Runnable;
  const governed = governAgent(hb, graph, { start: () => start });
  return (plan.governTwice ? governAgent(hb, governed) : governed) as unknown as Runnable;
}

function buildTool(one: PlanTool, plan: AgentPlan, wiring: Wiring) {
  const made = tool(
    async (args: Record<string, never>, config: { readonly signal?: AbortSignal } & object) => {
      if ("execute" in one) return one.execute(args, { signal: config.signal });
      const inner = buildAgent(
        {
          ...plan,
          ...one.agent,
          governTwice: false,
          approvals: "block",
          hb: wiring.governs === "middleware" ? plan.hb : undefined,
        },
        wiring,
        undefined,
      );
      const read = await (wiring.readInner ?? wiring.read)(
        inner,
        { messages: [{ role: "user", content: String(args["prompt"]) }] },
        config,
      );
      return lastText(read.messages);
    },
    { name: one.name, description: one.name, schema: z.looseObject({}) },
  );
  return wrapTool(made, { tags: one.tags });
}

function lastText(messages: readonly BaseMessage[]): string {
  const last = messages.at(-1);
  return AIMessage.isInstance(last) ? last.text : "";
}

interface Pausing {
  readonly saver: MemorySaver;
  readonly agent: Runnable;
  readonly config: object;
}

async function outcomeOf(read: () => Promise<Read>, pausing: Pausing | undefined): Promise<AgentOutcome> {
  try {
    const got = await read();
    const seen = got.seen.map(asText).join("\n");
    const base = { text: lastText(got.messages), chunks: got.chunks, results: got.messages.flatMap(resultOf), seen };
    if (got.left === true) return { ...base, status: "left" };
    const paused = pausing === undefined ? undefined : await pausedOf(pausing);
    return paused === undefined ? { ...base, status: "done" } : { ...base, status: "paused", paused };
  } catch (error) {
    return { status: "failed", text: "", error, chunks: [], results: [], seen: String(error) };
  }
}

async function pausedOf({ saver, agent, config }: Pausing): Promise<PausedAgent | undefined> {
  const state = await (
    agent as unknown as {
      getState(config: object): Promise<{ tasks: readonly { interrupts: readonly { value: unknown }[] }[] }>;
    }
  ).getState(config);
  const interrupts = state.tasks.flatMap((task) => task.interrupts);
  if (interrupts.length === 0) return undefined;
  const callIds = interrupts.flatMap(({ value }) =>
    (value as { handlebar: { approvals: { callId: string }[] } }).handlebar.approvals.map(({ callId }) => callId),
  );
  const names = interrupts.flatMap(({ value }) =>
    (value as { actionRequests: { name: string }[] }).actionRequests.map(({ name }) => name),
  );
  const paused = (value: unknown): PausedAgent => ({
    state: JSON.stringify({ value, storage: packed(saver) }),
    callIds,
    approvedByCaller: () => paused({ decisions: callIds.map(() => ({ type: "approve" })) }),
    withArgs: (args) => paused({ decisions: names.map((name) => ({ type: "edit", editedAction: { name, args } })) }),
  });
  return paused(true);
}

const packed = ({ storage, writes }: MemorySaver): string =>
  JSON.stringify({ storage, writes }, (_key, value: unknown) =>
    value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString("base64") } : value,
  );

export function resumePlan(plan: AgentPlan, paused: PausedAgent, wiring: Wiring): Promise<AgentOutcome> {
  const { value, storage } = JSON.parse(paused.state) as { value: unknown; storage: string };
  const saver = new MemorySaver();
  Object.assign(
    saver,
    JSON.parse(storage, (_key, item: unknown) =>
      typeof item === "object" && item !== null && "$bytes" in item
        ? new Uint8Array(Buffer.from(String(item.$bytes), "base64"))
        : item,
    ),
  );
  return runPlan(plan, wiring, { saver, value });
}

function resultOf(message: BaseMessage): readonly CallerResult[] {
  if (!ToolMessage.isInstance(message)) return [];
  const { tool_call_id: callId, name = "", status, content } = message;
  return [{ callId, tool: name, status: status === "error" ? "failed" : "done", result: readJson(String(content)) }];
}

/** LangChain keeps results as text: what is no text is JSON there. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function asText(item: unknown): string {
  return JSON.stringify(item, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value)) ?? "";
}
