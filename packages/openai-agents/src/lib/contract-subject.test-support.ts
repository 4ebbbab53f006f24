import { wrapTool } from "@handlebar/core";
import {
  type AdapterMode,
  type AdapterSubject,
  type AgentOutcome,
  type AgentPlan,
  type CallerResult,
  type PausedAgent,
  type PlanTool,
  RetryableModelError,
} from "@handlebar/testing";
import { Agent, Runner, type RunResult, RunState, type StreamedRunResult, type Tool, tool } from "@openai/agents";
import * as z from "zod";
import { createRun, HandlebarRunner } from "../index.ts";
import type { AnyAgent } from "./framework.ts";
import type { GovernedRun } from "./run-options.ts";
import { frameworkModel } from "./scripted-model.test-support.ts";

type Result = RunResult<undefined, AnyAgent> | StreamedRunResult<undefined, AnyAgent>;
interface Reading {
  readonly chunks: string[];
  readonly events: unknown[];
}

const MODES: readonly (AdapterMode & {
  readonly stream?: (result: StreamedRunResult<undefined, AnyAgent>) => AsyncIterable<unknown>;
})[] = [
  { name: "run()", streams: false, can: { pause: true } },
  { name: "new Runner().run()", streams: false, can: { pause: true } },
  { name: "run({ stream: true })", streams: true, can: { pause: true, runUnread: true }, stream: (result) => result },
  {
    name: "run({ stream: true }).toTextStream()",
    streams: true,
    can: { pause: true, runUnread: true },
    stream: (result) => result.toTextStream(),
  },
];

/** The adapter on the copy of the framework that is installed. */
export function openaiAgentsSubject(
  framework: string,
  rest: Pick<AdapterSubject, "cannot" | "secondCopyOfCore">,
): AdapterSubject {
  return {
    adapter: "openai-agents",
    framework,
    modes: MODES.map(({ stream: _, ...mode }) => mode),
    run: (plan) => play(plan, buildAgent(plan), plan.prompt),
    resume: async (plan, paused) => {
      const agent = buildAgent(plan);
      return play(plan, agent, await loaded(agent, paused.state));
    },
    ...rest,
  };
}

function buildAgent(plan: Pick<AgentPlan, "model" | "tools" | "system"> & { readonly retryCount?: number }): AnyAgent {
  return new Agent({
    name: "main",
    ...(plan.system === undefined ? {} : { instructions: plan.system }),
    model: frameworkModel(plan.model),
    modelSettings: {
      retry: {
        maxRetries: plan.retryCount ?? 0,
        backoff: { initialDelayMs: 0, jitter: false },
        policy: ({ error }) => error instanceof RetryableModelError,
      },
    },
    tools: plan.tools.map(buildTool),
  });
}

function buildTool(plan: PlanTool): Tool {
  if ("agent" in plan) {
    const agentTool = buildAgent(plan.agent).asTool({
      toolName: plan.name,
      toolDescription: plan.name,
      parameters: z.object({ prompt: z.string() }),
      inputBuilder: ({ params }) => params.prompt,
    });
    return wrapTool(agentTool, { tags: plan.tags });
  }
  return wrapTool(
    tool({
      name: plan.name,
      description: plan.name,
      parameters: { type: "object", properties: {}, required: [], additionalProperties: true },
      strict: false,
      execute: (args, _context, details) =>
        // The model writes an object.
        plan.execute(args as Parameters<typeof plan.execute>[0], { signal: details?.signal }),
    }),
    { tags: plan.tags },
  );
}

function runnerOf({ hb, mode, start, approvals, governTwice }: AgentPlan): GovernedRun {
  const plain = new Runner();
  if (hb === undefined) return plain.run.bind(plain);
  if (mode.name !== "new Runner().run()" && !governTwice) return createRun(hb, { start, approvals });
  const runner = new HandlebarRunner(hb, {}, { start, approvals });
  return governTwice ? createRun(hb, { runner }) : runner.run.bind(runner);
}

async function play(
  plan: AgentPlan,
  agent: AnyAgent,
  input: string | RunState<undefined, AnyAgent>,
): Promise<AgentOutcome> {
  const run = runnerOf(plan);
  const options = {
    maxTurns: plan.stepCountMax,
    ...(plan.signal === undefined ? {} : { signal: plan.signal }),
  };
  const reading: Reading = { chunks: [], events: [] };
  let result: Result | undefined;
  try {
    const stream = MODES.find(({ name }) => name === plan.mode.name)?.stream;
    if (stream === undefined) {
      result = await run(agent, input, options);
      return outcomeOf(result, reading);
    }
    const streamed = await run(agent, input, { ...options, stream: true });
    result = streamed;
    if (plan.consume === "never") return { ...outcomeOf(streamed, reading), status: "left" };
    await read(stream(streamed), reading, plan.consume);
    if (plan.consume === "break") return { ...outcomeOf(streamed, reading), status: "left" };
    await streamed.completed;
    if (streamed.cancelled && plan.signal?.aborted === true) return { ...outcomeOf(streamed, reading), status: "left" };
    return outcomeOf(streamed, reading);
  } catch (error) {
    return { ...(result === undefined ? empty(reading) : outcomeOf(result, reading)), status: "failed", error };
  }
}

async function read(
  stream: AsyncIterable<unknown>,
  { chunks, events }: Reading,
  consume: "all" | "break",
): Promise<void> {
  for await (const event of stream) {
    events.push(event);
    const text = typeof event === "string" ? event : deltaOf(event);
    if (text === undefined) continue;
    chunks.push(text);
    if (consume === "break") return;
  }
}

function deltaOf(event: unknown): string | undefined {
  const { type, data } = event as { type?: string; data?: { type?: string; delta?: string } };
  return type === "raw_model_stream_event" && data?.type === "output_text_delta" ? data.delta : undefined;
}

function empty({ chunks }: Reading): AgentOutcome {
  return { status: "done", text: "", chunks, results: [], seen: "" };
}

function outcomeOf(result: Result, { chunks, events }: Reading): AgentOutcome {
  const isFinal = result.state._currentStep?.type === "next_step_final_output";
  const withheld = new Set(
    result.toolOutputGuardrailResults.flatMap(({ output: { outputInfo } }) =>
      outputInfo?.verdict === "BLOCK" ? [outputInfo.callId] : [],
    ),
  );
  const results = result.newItems.flatMap((item): readonly CallerResult[] => {
    if (item.type !== "tool_call_output_item" || item.rawItem.type !== "function_call_result") return [];
    return [
      {
        callId: item.rawItem.callId,
        tool: item.rawItem.name,
        // The framework marks what did not run, and its guardrail results say what was withheld.
        status: item.executionStatus === "executed" && !withheld.has(item.rawItem.callId) ? "done" : "failed",
        result: item.output,
      },
    ];
  });
  const seen = JSON.stringify([
    isFinal ? result.finalOutput : null,
    result.newItems,
    result.output,
    result.rawResponses,
    events,
  ]);
  const paused = result.interruptions.length > 0 ? pausedOf(result) : undefined;
  return {
    status: paused === undefined ? "done" : "paused",
    text: isFinal ? String(result.finalOutput) : "",
    chunks,
    results,
    seen,
    ...(paused === undefined ? {} : { paused }),
  };
}

function pausedOf({ state, interruptions }: Result): PausedAgent {
  const callIds = interruptions.map(({ rawItem }) => ("callId" in rawItem ? rawItem.callId : (rawItem.id ?? "")));
  const held = interruptions.flatMap((item) => item.arguments ?? []);
  const sent = (stored: Stored): PausedAgent => ({
    state: JSON.stringify(stored),
    callIds,
    approvedByCaller: () => sent({ ...stored, approves: true }),
    withArgs: (args) => {
      const changed = quoted(JSON.stringify(args));
      return sent({
        ...stored,
        state: held.reduce((text, one) => text.replaceAll(quoted(one), changed), stored.state),
      });
    },
  });
  return sent({ state: state.toString(), approves: false });
}

const quoted = (text: string): string => JSON.stringify(text);

/** A paused agent as a program stores it, and whether it does for every call what the framework says an approval is. */
interface Stored {
  readonly state: string;
  readonly approves: boolean;
}

async function loaded(agent: AnyAgent, text: string): Promise<RunState<undefined, AnyAgent>> {
  const { state: stored, approves }: Stored = JSON.parse(text);
  const state = await RunState.fromString<undefined, AnyAgent>(agent, stored);
  if (approves) for (const item of state.getInterruptions()) state.approve(item);
  return state;
}
