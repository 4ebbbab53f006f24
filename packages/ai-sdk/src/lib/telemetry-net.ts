import { type HandlebarClient, type ToolDecision, withRun } from "@handlebar/core";
import { type AnyClient, type JsonObject, PolicyDenied } from "@handlebar/core/adapter";
import { AgentCall } from "./agent-call.ts";
import { governStream } from "./answer-stream.ts";
import { closingAnswer, closingStream } from "./closing-answer.ts";
import type { GovernAIOptions, StartConfig } from "./govern-ai.ts";
import { forgetGovernedCall, isGovernedCall } from "./governed-calls.ts";
import { isGoverned } from "./governed-mark.ts";
import { ModelCall } from "./model-call.ts";
import { bookOf } from "./run-book.ts";
import {
  isObject,
  type SdkAnswer,
  type SdkMessage,
  type SdkModel,
  type SdkStream,
  type SdkTools,
} from "./sdk-shapes.ts";
import { tagsOf } from "./tool-wrapper.ts";

/** What an event of the SDK's telemetry says, as far as it is read here. */
export interface TelemetryEvent {
  readonly callId: string;
}

export interface ModelCallEvent<T> extends TelemetryEvent {
  readonly execute: () => PromiseLike<T>;
}

export interface ToolCallEvent<T> extends ModelCallEvent<T> {
  readonly toolCallId: string;
}

/** The telemetry integration that `handlebarTelemetry` gives. */
export interface HandlebarTelemetry {
  onStart(event: object): void;
  onEnd(event: object): void;
  onAbort(event: object): void;
  onError(event: unknown): void;
  executeLanguageModelCall<T>(event: ModelCallEvent<T>): Promise<T>;
  executeTool<T>(event: ToolCallEvent<T>): Promise<T>;
  onToolExecutionEnd(event: object): Promise<void>;
}

/** Calls of the SDK under way at once; beyond them the oldest is left to its run's own time limits. */
const OPEN_COUNT_MAX = 10_000;

type Tags = Readonly<Record<string, readonly string[]>>;

interface OpenCall {
  readonly call: AgentCall;
  readonly tools: SdkTools;
  readonly streams: boolean;
  readonly started: Map<string, ToolDecision>;
}

/**
 * A net under every call of the AI SDK 7 in a process, third-party code included: `registerTelemetry(handlebarTelemetry(hb))`. What
 * `governAI` governs passes through. The net decides and records; what it cannot do is rewrite: a request, arguments or an answer
 * that policy would redact are denied instead, and a tool's result is recorded after the model has it. It is out of the way of calls
 * with `telemetry: { isEnabled: false }` or integrations of their own.
 */
export function handlebarTelemetry<TContext extends object = JsonObject>(
  hb: HandlebarClient<TContext>,
  options: Pick<GovernAIOptions<TContext>, "start" | "tags"> = {},
): HandlebarTelemetry {
  // A run's context has the client's type, which nothing here looks at.
  return new Net(hb, options.start as StartConfig | (() => StartConfig) | undefined, options.tags ?? {});
}

class Net implements HandlebarTelemetry {
  readonly #hb: AnyClient;
  readonly #start: StartConfig | (() => StartConfig) | undefined;
  readonly #tags: Tags;
  readonly #open = new Map<string, OpenCall>();

  constructor(hb: AnyClient, start: StartConfig | (() => StartConfig) | undefined, tags: Tags) {
    this.#hb = hb;
    this.#start = start;
    this.#tags = tags;
  }

  // The SDK hands these on one by one; they are bound here as it binds its own.
  readonly onStart = (event: object): void => {
    const { callId, operationId, tools } = read(event);
    if (typeof callId !== "string" || isGovernedCall(callId)) return;
    if (operationId !== "ai.generateText" && operationId !== "ai.streamText") return;
    const start = typeof this.#start === "function" ? this.#start() : this.#start;
    const call = new AgentCall(this.#hb, {}, { ...start, adapter: { name: "@handlebar/ai-sdk" } });
    // The names and tools that the caller gave; only their tags and marks are looked at.
    const known = isObject(tools) ? (tools as SdkTools) : {};
    this.#open.set(callId, { call, tools: known, streams: operationId === "ai.streamText", started: new Map() });
    if (this.#open.size <= OPEN_COUNT_MAX) return;
    const [oldest] = this.#open.keys();
    if (oldest !== undefined) this.#open.delete(oldest);
  };

  readonly onEnd = (event: object): void => this.#take(event)?.call.finish();

  readonly onAbort = (event: object): void => this.#take(event)?.call.interrupt();

  readonly onError = (event: unknown): void => {
    if (isObject(event)) this.#take(event)?.call.fail(event["error"]);
  };

  readonly executeLanguageModelCall = async <T>(event: ModelCallEvent<T>): Promise<T> => {
    const open = this.#open.get(event.callId);
    if (open === undefined) return event.execute();
    const answer = await this.#ask(open, event);
    // What stands in for an answer has the form of one.
    return answer as T;
  };

  readonly executeTool = async <T>(event: ToolCallEvent<T>): Promise<T> => {
    const open = this.#open.get(event.callId);
    const { toolCall } = read(event);
    const name = isObject(toolCall) ? String(toolCall["toolName"]) : "";
    if (open === undefined || isGoverned(open.tools[name]?.execute)) return event.execute();
    const { run } = open.call;
    const args = isObject(toolCall) ? toolCall["input"] : undefined;
    const before = await bookOf(run).decide({
      name,
      args,
      callId: event.toolCallId,
      tags: tagsOf(name, open.tools[name], this.#tags),
      kind: undefined,
    });
    const stopped = before.verdict === "BLOCK" ? before : run.notStarted(before);
    if (stopped !== undefined) throw new PolicyDenied(stopped);
    const isHidden = read(event).recordInputs === false && run.canChange("tool.before");
    if (isHidden || before.args !== args) {
      const message = isHidden ? "its arguments are kept from telemetry" : "its arguments cannot be redacted here";
      await run.afterTool(before, { error: new Error(message) });
      throw new PolicyDenied({ ...before, verdict: "BLOCK", message: `this call was denied: ${message}` });
    }
    open.started.set(event.toolCallId, before);
    return withRun(run, () => event.execute());
  };

  readonly onToolExecutionEnd = async (event: object): Promise<void> => {
    const { callId, toolCall, toolOutput } = read(event);
    const open = typeof callId === "string" ? this.#open.get(callId) : undefined;
    const toolCallId = isObject(toolCall) ? String(toolCall["toolCallId"]) : "";
    const before = open?.started.get(toolCallId);
    if (open === undefined || before === undefined) return;
    open.started.delete(toolCallId);
    const failed = isObject(toolOutput) && toolOutput["type"] === "tool-error";
    const output = isObject(toolOutput) ? toolOutput : {};
    await open.call.run.afterTool(before, failed ? { error: output["error"] } : { result: output["output"] });
  };

  async #ask<T>(open: OpenCall, event: ModelCallEvent<T>): Promise<SdkAnswer | SdkStream | T> {
    const { run } = open.call;
    const { provider, modelId, messages } = read(event);
    const close = (text: string): SdkAnswer | SdkStream =>
      open.streams ? closingStream(LATEST, text) : closingAnswer(LATEST, text);
    // Only its identity is asked for.
    const model = { provider, modelId, specificationVersion: LATEST } as SdkModel;
    const settings = { run, tools: open.tools, clientTools: NONE, tags: this.#tags, stampsRunId: false };
    const prompt = Array.isArray(messages) ? (messages as readonly SdkMessage[]) : [];
    const call = await ModelCall.open(model, settings, prompt);
    if (call.denied !== undefined) return close(call.denied);
    if (call.prompt !== prompt) {
      await call.fail(new Error("a request cannot be redacted here"), undefined);
      return close("this request was denied: it cannot be redacted here");
    }
    let answer: T;
    try {
      answer = await withRun(run, () => event.execute());
    } catch (error) {
      if (await call.fail(error, undefined)) return close(call.endMessage);
      throw error;
    }
    return this.#settle(answer, call, close);
  }

  async #settle<T>(answer: T, call: ModelCall, close: (text: string) => unknown): Promise<T> {
    if (!isObject(answer)) return answer;
    if (answer["stream"] instanceof ReadableStream) {
      const holdsBack = call.run.canChange("llm.after") ? "all" : "starts";
      const stream = governStream(answer["stream"], call, {
        specificationVersion: LATEST,
        callersSignal: undefined,
        holdsBack,
      });
      return { ...answer, stream };
    }
    const given = Array.isArray(answer["content"]) ? answer["content"] : [];
    const settled = await call.settle(given, answer["usage"]);
    if (settled.status === "given") return settled.content === given ? answer : { ...answer, content: settled.content };
    // What stands in for an answer has the form of one.
    return { ...answer, ...(close(settled.message) as object) };
  }

  #take(event: object): OpenCall | undefined {
    const { callId } = read(event);
    if (typeof callId !== "string") return undefined;
    forgetGovernedCall(callId);
    const open = this.#open.get(callId);
    this.#open.delete(callId);
    return open;
  }
}

const NONE: ReadonlySet<string> = new Set();
/** The version of the provider interface that the SDK 7 speaks with itself. */
const LATEST = "v4";

interface EventFields {
  readonly callId?: unknown;
  readonly operationId?: unknown;
  readonly tools?: unknown;
  readonly toolCall?: unknown;
  readonly toolOutput?: unknown;
  readonly recordInputs?: unknown;
  readonly provider?: unknown;
  readonly modelId?: unknown;
  readonly messages?: unknown;
}

function read(event: object): EventFields {
  return event;
}
