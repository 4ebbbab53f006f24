import { getCurrentRun, wrapTool } from "@handlebar/core";
import type {
  AdapterMode,
  AdapterSubject,
  AgentOutcome,
  AgentPlan,
  AgentTool,
  CallerResult,
  CannotReason,
  CodeTool,
  PausedAgent,
  PlanTool,
} from "@handlebar/testing";
import { governAI } from "../index.ts";
import { govern } from "./govern.ts";
import { mockModel, type SdkTestModule } from "./mock-model.test-support.ts";

/** The part of the SDK that the subject uses, as versions 6 and 7 agree on it. */
export interface SdkModule {
  generateText(params: object): Promise<SdkResult>;
  streamText(params: object): SdkStreamResult;
  readonly ToolLoopAgent: new (
    settings: object,
  ) => { generate(params: object): Promise<SdkResult>; stream(params: object): PromiseLike<SdkStreamResult> };
  tool(tool: object): object;
  jsonSchema(schema: object): object;
  stepCountIs(count: number): unknown;
  readonly APICallError: new (options: object) => Error;
}

interface SdkContent {
  readonly type: string;
  readonly toolCallId?: string;
  readonly toolName?: string;
  readonly output?: unknown;
  readonly approvalId?: string;
  readonly toolCall?: { readonly toolCallId: string };
}

interface SdkResult {
  readonly text: string;
  readonly steps: readonly { readonly content: readonly SdkContent[] }[];
  readonly response: { readonly messages: readonly unknown[] };
  readonly responseMessages?: readonly unknown[];
}

interface SdkStreamResult {
  readonly text: PromiseLike<string>;
  readonly steps: PromiseLike<SdkResult["steps"]>;
  readonly response: PromiseLike<SdkResult["response"]>;
  readonly responseMessages?: PromiseLike<readonly unknown[]>;
  readonly textStream: AsyncIterable<string>;
  readonly fullStream: AsyncIterable<StreamPart>;
  toUIMessageStream(options: object): AsyncIterable<StreamPart>;
}

interface StreamPart {
  readonly type: string;
  readonly text?: string;
  readonly delta?: string;
  readonly error?: unknown;
}

const mode = (name: string, streams: boolean, can: AdapterMode["can"] = {}): AdapterMode => ({
  name,
  streams,
  can: { runUnread: false, showResults: true, pause: true, nest: true, ...can },
});

const MODES: readonly AdapterMode[] = [
  mode("generateText", false),
  mode("govern + generateText", false, { pause: false, nest: false }),
  mode("streamText().text", false),
  mode("streamText().textStream", true),
  mode("streamText().fullStream", true),
  mode("streamText().toUIMessageStream()", true),
  mode("ToolLoopAgent.generate", false),
  mode("ToolLoopAgent.stream", true),
];

export interface SubjectOptions {
  readonly framework: string;
  readonly sdk: SdkModule;
  readonly test: SdkTestModule;
  readonly cannot?: Readonly<Record<string, CannotReason>>;
  readonly secondCopyOfCore?: AdapterSubject["secondCopyOfCore"];
  /** What calls of the SDK are given beside the plan's own. */
  readonly params?: object;
}

export function aiSdkSubject({
  framework,
  sdk,
  test,
  cannot,
  secondCopyOfCore,
  params = {},
}: SubjectOptions): AdapterSubject {
  const driver = new Driver(sdk, test, params);
  return {
    adapter: "ai-sdk",
    framework,
    modes: MODES,
    cannot,
    run: (plan) => driver.run(plan, undefined),
    resume: (plan, paused) => driver.run(plan, paused),
    ...(secondCopyOfCore === undefined ? {} : { secondCopyOfCore }),
  };
}

/** What one call of the SDK showed its caller. */
class Seen {
  readonly chunks: string[] = [];
  readonly parts: unknown[] = [];
  error: unknown;
  hasFailed = false;

  fail(error: unknown): void {
    // What the SDK tells its error handler is the error itself; later ones only follow from it.
    if (!this.hasFailed) this.error = error;
    this.hasFailed = true;
  }
}

class Driver {
  readonly #sdk: SdkModule;
  readonly #test: SdkTestModule;
  readonly #given: object;

  constructor(sdk: SdkModule, test: SdkTestModule, given: object) {
    this.#sdk = sdk;
    this.#test = test;
    this.#given = given;
  }

  async run(plan: AgentPlan, paused: PausedAgent | undefined): Promise<AgentOutcome> {
    const history: readonly unknown[] =
      paused === undefined ? [{ role: "user", content: plan.prompt }] : JSON.parse(paused.state);
    const seen = new Seen();
    if (plan.mode.name === "govern + generateText") return this.#explicitly(plan, history, seen);
    const sdk = this.#governed(plan);
    const params = this.#params(plan, sdk, seen);
    const messages = [...history];
    try {
      return await this.#drive(plan, { sdk, params, messages }, seen);
    } catch (error) {
      seen.fail(error);
      return outcomeOf(seen, { status: "failed", text: "" });
    }
  }

  #governed(plan: AgentPlan): SdkModule {
    const { hb, approvals, start } = plan;
    if (hb === undefined) return this.#sdk;
    const options = { approvals, start };
    const once = governAI(this.#sdk, hb, options);
    return plan.governTwice ? governAI(once, hb, options) : once;
  }

  /** The caller starts and ends the run itself. */
  async #explicitly(plan: AgentPlan, messages: readonly unknown[], seen: Seen): Promise<AgentOutcome> {
    const params = this.#params(plan, this.#sdk, seen);
    const current = getCurrentRun();
    const run = current ?? plan.hb?.startRun(plan.start);
    const end = (status: "success" | "error" | "interrupted"): void => {
      if (current === undefined) void run?.end(plan.signal?.aborted === true ? "interrupted" : status);
    };
    plan.signal?.addEventListener("abort", () => end("interrupted"));
    const { model, tools } = params;
    const once = run === undefined ? { model, tools } : govern(run, { model, tools });
    const parts = plan.governTwice && run !== undefined ? govern(run, once) : once;
    const stopWhen = [params.stopWhen, () => run?.terminated === true && plan.signal?.aborted !== true];
    try {
      const result = await this.#sdk.generateText({ ...params, ...parts, stopWhen, messages });
      end("success");
      return await this.#generated(result, messages, seen);
    } catch (error) {
      end("error");
      seen.fail(error);
      return outcomeOf(seen, { status: "failed", text: "" });
    }
  }

  async #drive(
    plan: AgentPlan,
    call: { readonly sdk: SdkModule; readonly params: Params; readonly messages: readonly unknown[] },
    seen: Seen,
  ): Promise<AgentOutcome> {
    const { sdk, params, messages } = call;
    const { system, abortSignal, onError, ...settings } = params;
    const agent = (): InstanceType<SdkModule["ToolLoopAgent"]> =>
      new sdk.ToolLoopAgent({ ...settings, onError, ...(system === undefined ? {} : { instructions: system }) });
    switch (plan.mode.name) {
      case "generateText":
        return this.#generated(await sdk.generateText({ ...params, messages }), messages, seen);
      case "ToolLoopAgent.generate":
        return this.#generated(await agent().generate({ messages, abortSignal }), messages, seen);
      case "ToolLoopAgent.stream":
        return this.#streamed(await agent().stream({ messages, abortSignal }), { plan, messages, seen });
      default:
        return this.#streamed(sdk.streamText({ ...params, messages }), { plan, messages, seen });
    }
  }

  async #generated(result: SdkResult, messages: readonly unknown[], seen: Seen): Promise<AgentOutcome> {
    const replies = result.responseMessages ?? result.response.messages;
    const { text, steps } = result;
    seen.parts.push({ text, steps, replies });
    return finished(seen, { text, steps, history: [...messages, ...replies] });
  }

  async #streamed(
    result: SdkStreamResult,
    { plan, messages, seen }: { readonly plan: AgentPlan; readonly messages: readonly unknown[]; readonly seen: Seen },
  ): Promise<AgentOutcome> {
    if (plan.consume === "never") return outcomeOf(seen, { status: "left", text: "" });
    const hasEnded = await consume(result, plan, seen);
    if (!hasEnded) return outcomeOf(seen, { status: "left", text: "" });
    if (seen.hasFailed) {
      // The promises reject with what follows from the error.
      await Promise.allSettled([result.text, result.steps, result.response]);
      return outcomeOf(seen, { status: "failed", text: "" });
    }
    const [text, steps, response, replies] = await Promise.all([
      result.text,
      result.steps,
      result.response,
      result.responseMessages,
    ]);
    seen.parts.push({ text, steps });
    return finished(seen, { text, steps, history: [...messages, ...(replies ?? response.messages)] });
  }

  #params(plan: AgentPlan, sdk: SdkModule, seen: Seen): Params {
    return {
      ...this.#given,
      model: mockModel(this.#test, this.#sdk.APICallError, plan.model),
      tools: Object.fromEntries(plan.tools.map((tool) => [tool.name, this.#tool(tool, plan, sdk)])),
      stopWhen: this.#sdk.stepCountIs(plan.stepCountMax),
      maxRetries: plan.retryCount,
      onError: ({ error }) => seen.fail(error),
      ...(plan.system === undefined ? {} : { system: plan.system }),
      ...(plan.signal === undefined ? {} : { abortSignal: plan.signal }),
    };
  }

  #tool(tool: PlanTool, plan: AgentPlan, sdk: SdkModule): object {
    const execute =
      "agent" in tool
        ? (args: { readonly prompt: string }, options: ToolOptions) => this.#nested(tool, plan, { args, options, sdk })
        : (args: Parameters<CodeTool["execute"]>[0], { abortSignal }: ToolOptions) =>
            tool.execute(args, { signal: abortSignal });
    const made = this.#sdk.tool({
      description: tool.name,
      inputSchema: this.#sdk.jsonSchema({ type: "object", properties: {}, additionalProperties: true }),
      execute,
    });
    return tool.tags.length === 0 ? made : wrapTool(made, { tags: tool.tags });
  }

  async #nested(
    { agent }: AgentTool,
    plan: AgentPlan,
    {
      args,
      options,
    }: { readonly args: { readonly prompt: string }; readonly options: ToolOptions; readonly sdk: SdkModule },
  ): Promise<string> {
    const outcome = await this.run({ ...plan, ...agent, prompt: args.prompt, signal: options.abortSignal }, undefined);
    if (outcome.status === "failed") throw outcome.error;
    return outcome.text;
  }
}

interface ToolOptions {
  readonly abortSignal: AbortSignal | undefined;
}

interface Params {
  readonly model: object;
  readonly tools: object;
  readonly stopWhen: unknown;
  readonly maxRetries: number;
  readonly onError: (event: { readonly error: unknown }) => void;
  readonly system?: string;
  readonly abortSignal?: AbortSignal;
}

/** Reads a stream as the mode says; false when the caller left it. */
async function consume(
  result: SdkStreamResult,
  { mode: { name }, consume: how }: AgentPlan,
  seen: Seen,
): Promise<boolean> {
  if (name === "streamText().text") {
    await Promise.resolve(result.text).catch((error: unknown) => seen.fail(error));
    return true;
  }
  const stream =
    name === "streamText().textStream"
      ? result.textStream
      : name === "streamText().toUIMessageStream()"
        ? result.toUIMessageStream({ onError: (error: unknown) => String(error) })
        : result.fullStream;
  for await (const part of stream) {
    seen.parts.push(part);
    const piece = typeof part === "string" ? part : part.type === "text-delta" ? (part.text ?? part.delta) : undefined;
    if (piece !== undefined) seen.chunks.push(piece);
    if (typeof part !== "string" && part.type === "error" && part.error !== undefined) seen.fail(part.error);
    if (how === "break" && piece !== undefined) return false;
  }
  return true;
}

function finished(
  seen: Seen,
  { text, steps, history }: Pick<SdkResult, "text" | "steps"> & { readonly history: readonly unknown[] },
): AgentOutcome {
  const content = steps.flatMap((step) => step.content);
  const requests = content.filter(({ type }) => type === "tool-approval-request");
  const answered = new Set(
    content.filter(({ type }) => type === "tool-result" || type === "tool-error").map(({ toolCallId }) => toolCallId),
  );
  const open = requests.filter(({ toolCall }) => !answered.has(toolCall?.toolCallId));
  const base = outcomeOf(seen, { status: open.length > 0 ? "paused" : "done", text });
  const results = content.flatMap(resultOf);
  return open.length === 0 ? { ...base, results } : { ...base, results, paused: pausedWith(history, open) };
}

/** The SDK has one kind of answer to an approval request; it wakes the call up, and claims that it was approved. */
function pausedWith(history: readonly unknown[], open: readonly SdkContent[]): PausedAgent {
  const content = open.map(({ approvalId }) => ({ type: "tool-approval-response", approvalId, approved: true }));
  const paused: PausedAgent = {
    state: JSON.stringify([...history, { role: "tool", content }]),
    callIds: open.map(({ toolCall }) => toolCall?.toolCallId ?? ""),
    approvedByCaller: () => paused,
    withArgs: (args) => ({
      ...paused,
      state: JSON.stringify([...history.map((message) => changed(message, args)), { role: "tool", content }]),
    }),
  };
  return paused;
}

/** A message whose calls ask for other arguments. */
function changed(message: unknown, args: object): unknown {
  const { content } = message as { readonly content: unknown };
  if (!Array.isArray(content)) return message;
  const parts = content.map((part: { readonly type: string }) =>
    part.type === "tool-call" ? { ...part, input: args } : part,
  );
  return { ...(message as object), content: parts };
}

function resultOf({ type, toolCallId, toolName, output }: SdkContent): readonly CallerResult[] {
  if (toolCallId === undefined || toolName === undefined) return [];
  const call = { callId: toolCallId, tool: toolName };
  if (type === "tool-result") return [{ ...call, status: "done", result: output }];
  return type === "tool-error" || type === "tool-output-denied" ? [{ ...call, status: "failed" }] : [];
}

function outcomeOf(seen: Seen, outcome: Pick<AgentOutcome, "status" | "text">): AgentOutcome {
  return {
    ...outcome,
    ...(seen.hasFailed ? { error: seen.error } : {}),
    chunks: seen.chunks,
    results: [],
    seen: JSON.stringify(seen.parts, (_key, value: unknown) => (value instanceof Error ? value.message : value)),
  };
}
