import type { Usage as TokenUsage } from "@handlebar/core";
import type { AnyRun } from "@handlebar/core/adapter";
import type { AgentOutputItem, ModelRequest, ModelResponse } from "@openai/agents";
import { ledgerOf } from "./call-ledger.ts";
import { decideCalls } from "./decide-calls.ts";
import type { Framework } from "./framework.ts";
import { mapAnswer } from "./message-map.ts";
import { mapRequest } from "./request-map.ts";
import { settleFromRequest, settleHosted } from "./settle-calls.ts";

/** What a model call came to, whether it was streamed or not. */
export interface ModelAnswer {
  readonly output: readonly AgentOutputItem[];
  readonly usage: ModelResponse["usage"] | UsageData;
}

/** Usage as stream events carry it. */
export interface UsageData {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly inputTokensDetails?: Details | undefined;
  readonly outputTokensDetails?: Details | undefined;
}
type Details = Readonly<Record<string, number>> | readonly Readonly<Record<string, number>>[];

export interface ModelTurnOptions {
  readonly framework: Framework;
  readonly request: ModelRequest;
  readonly modelName: string | undefined;
}

/** One request to a model and its answer, under a run: what may be sent, what may go on, and which calls may start. */
export class ModelTurn {
  readonly #run: AnyRun;
  readonly #options: ModelTurnOptions;
  #callId: string | undefined;

  constructor(run: AnyRun, options: ModelTurnOptions) {
    this.#run = run;
    this.#options = options;
  }

  /** Streamed text has to be held back until the whole answer was judged. */
  get holdsText(): boolean {
    return this.#run.canChange("llm.after");
  }

  /** Decides on the request: what to send, or what the model is not asked for. */
  async open(): Promise<{ readonly request: ModelRequest } | { readonly stopped: string }> {
    const { request } = this.#options;
    const ledger = ledgerOf(this.#run);
    if (Array.isArray(request.input)) await settleFromRequest(this.#run, request.input);
    if (this.#run.terminated && ledger.stopMessage !== undefined) return { stopped: ledger.stopMessage };
    const mapped = mapRequest(request, ledger);
    const decision = await this.#run.beforeLlm({ messages: mapped.messages, ...this.#model() });
    ledger.noteStop([decision]);
    this.#callId = decision.callId;
    if (decision.verdict === "BLOCK") return { stopped: decision.message };
    const sent = mapped.apply(decision.messages);
    return { request: { ...sent, tracing: this.#tracing(sent.tracing), signal: this.#signal(sent.signal) } };
  }

  /** Accounts for an answer that did not come; gives the message to go on with where the run was ended meanwhile. */
  async fail(error: unknown): Promise<string | undefined> {
    await this.#run.afterLlm({ error, ...this.#model(), ...this.#id() });
    return this.#run.terminated ? this.stopMessage : undefined;
  }

  /** Accounts for an answer and decides on it and on the calls that it asks for. */
  async close({ output, usage }: ModelAnswer): Promise<{ readonly output: readonly AgentOutputItem[] }> {
    const ledger = ledgerOf(this.#run);
    const mapped = mapAnswer(output);
    const [response] = mapped.messages;
    const after = await this.#run.afterLlm({
      ...(response === undefined ? {} : { response }),
      usage: tokenUsage(usage),
      ...this.#model(),
      ...this.#id(),
    });
    ledger.noteStop([after]);
    if (after.verdict === "BLOCK" || this.#run.terminated) return { output: this.#said(this.#stopText(after)) };
    const isSame = after.response === undefined || after.response === response;
    // What is mapped from output items is output items.
    const kept = isSame ? output : (mapped.apply([after.response]) as readonly AgentOutputItem[]);
    await settleHosted(this.#run, kept);
    const decided = await decideCalls(this.#run, kept, this.#options.request);
    return { output: this.#run.terminated ? this.#said(this.stopMessage) : decided };
  }

  get stopMessage(): string {
    return ledgerOf(this.#run).stopMessage ?? "this run was ended by policy";
  }

  /** The agent owes its caller plain text. */
  get owesText(): boolean {
    return this.#options.request.outputType === "text";
  }

  get terminated(): boolean {
    return this.#run.terminated;
  }

  /** The answer of a model that was not asked. */
  stop(message: string): ModelResponse {
    return { usage: new this.#options.framework.Usage(), output: this.#said(message) };
  }

  #stopText(decision: { readonly verdict: string; readonly message: string }): string {
    return decision.verdict === "BLOCK" ? decision.message : this.stopMessage;
  }

  /** A trace would hold what the provider answered, as it came: where policy may change that, it goes without. */
  #tracing(own: ModelRequest["tracing"]): ModelRequest["tracing"] {
    return own === true && this.#run.canChange("llm.after") ? "enabled_without_data" : own;
  }

  /** Fires when the request is to be given up: by its caller, or since the run has ended. */
  #signal(own: AbortSignal | undefined): AbortSignal {
    const { signal } = this.#run;
    // Where the program gave none, what the framework was given fires only after the run's own has.
    return own === undefined || own === ledgerOf(this.#run).stopSignal ? signal : AbortSignal.any([own, signal]);
  }

  /** A last word that ends the agent's loop. Where the agent owes a structured output, only a refusal can say it. */
  #said(message: string): AgentOutputItem[] {
    return [
      {
        type: "message",
        role: "assistant",
        status: "completed",
        content: [this.owesText ? { type: "output_text", text: message } : { type: "refusal", refusal: message }],
      },
    ];
  }

  #model(): { readonly model?: { readonly name: string } } {
    const { modelName } = this.#options;
    return modelName === undefined ? {} : { model: { name: modelName } };
  }

  #id(): { readonly callId?: string } {
    return this.#callId === undefined ? {} : { callId: this.#callId };
  }
}

function tokenUsage(usage: ModelAnswer["usage"]): TokenUsage {
  const input = sumOf(usage.inputTokensDetails);
  const output = sumOf(usage.outputTokensDetails);
  return {
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    ...named("cachedInputTokens", input["cached_tokens"]),
    ...named("cacheWriteTokens", input["cache_write_tokens"]),
    ...named("reasoningTokens", output["reasoning_tokens"]),
  };
}

function named(name: keyof TokenUsage, value: number | undefined): TokenUsage {
  return value === undefined ? {} : { [name]: value };
}

const NOTHING: Readonly<Record<string, number>> = {};

function sumOf(details: Details | undefined): Readonly<Record<string, number>> {
  if (details === undefined || (isList(details) && details.length === 0)) return NOTHING;
  const sum: Record<string, number> = {};
  for (const one of isList(details) ? details : [details])
    for (const [key, value] of Object.entries(one)) sum[key] = (sum[key] ?? 0) + value;
  return sum;
}

function isList(details: Details): details is readonly Readonly<Record<string, number>>[] {
  return Array.isArray(details);
}
