import type { LlmDecision } from "@handlebar/core";
import type { AnyRun, Decision, Model } from "@handlebar/core/adapter";
import { usageOf, viewAnswer } from "./answer-view.ts";
import { gateCalls, hasCallsElsewhere } from "./call-gate.ts";
import type { ModelSettings } from "./model-wrapper.ts";
import { viewPrompt } from "./prompt-view.ts";
import { stampRunId, withoutStamps } from "./run-stamp.ts";
import type { SdkMessage, SdkModel, SdkPart } from "./sdk-shapes.ts";

/** What became of an answer. */
export type SettledAnswer =
  /** Policy withholds it, or the run was ended meanwhile; `message` says why. */
  | { readonly status: "denied"; readonly message: string }
  /** Parts at their places, `undefined` for one that may not go on. */
  | { readonly status: "given"; readonly content: readonly (SdkPart | undefined)[]; readonly isRewritten: boolean };

/** One request to a model and its answer, before the run's policies. */
export class ModelCall {
  readonly run: AnyRun;
  readonly #model: Model;
  readonly #settings: ModelSettings;
  readonly #before: LlmDecision;
  /** The prompt to send. */
  readonly prompt: readonly SdkMessage[];
  #isSettled = false;

  private constructor(
    model: Model,
    settings: ModelSettings,
    sent: Pick<ModelCall, "prompt"> & { before: LlmDecision },
  ) {
    this.run = settings.run;
    this.#model = model;
    this.#settings = settings;
    this.#before = sent.before;
    this.prompt = sent.prompt;
  }

  static async open(inner: SdkModel, settings: ModelSettings, prompt: readonly SdkMessage[]): Promise<ModelCall> {
    const model = identityOf(inner);
    const view = viewPrompt(withoutStamps(prompt));
    const before = await settings.run.beforeLlm({ messages: view.messages, model });
    return new ModelCall(model, settings, { before, prompt: view.write(before.messages) });
  }

  /** Why the request may not be sent. */
  get denied(): string | undefined {
    return this.#before.verdict === "BLOCK" ? this.#before.message : undefined;
  }

  /** Records the answer, and gives what of it may go on. Asked before any of the calls it holds can run. */
  async settle(content: readonly SdkPart[], usage: unknown): Promise<SettledAnswer> {
    const view = viewAnswer(content);
    const after = await this.#after({ response: view.message, usage: usageOf(usage) });
    if (after.verdict === "BLOCK") return { status: "denied", message: after.message };
    const written = view.write(after.response ?? view.message);
    const gated = hasCallsElsewhere(written, this.#settings) ? await gateCalls(written, this.#settings) : written;
    const stamped = this.#settings.stampsRunId ? stampRunId(gated, this.run.runId) : gated;
    return { status: "given", content: stamped, isRewritten: written !== content };
  }

  /** Records that the model gave no answer. True: the run was ended meanwhile, and its caller is owed no error. */
  async fail(error: unknown, callers: AbortSignal | undefined): Promise<boolean> {
    const isOver = this.run.terminated && callers?.aborted !== true;
    await this.#after({ error });
    return isOver;
  }

  /** Why the run was ended, in words that a caller may be shown. */
  get endMessage(): string {
    const last = this.run.decisions.findLast((decision) => decision.control === "TERMINATE");
    return last?.message ?? "the run was ended";
  }

  #after(
    answer: Pick<Parameters<AnyRun["afterLlm"]>[0], "response" | "usage" | "error">,
  ): ReturnType<AnyRun["afterLlm"]> {
    if (this.#isSettled) return SETTLED;
    this.#isSettled = true;
    return this.run.afterLlm({ ...answer, callId: this.#before.callId, model: this.#model });
  }
}

const SETTLED: Promise<Decision & { readonly response: undefined }> = Promise.resolve({
  verdict: "ALLOW",
  control: "CONTINUE",
  cause: { kind: "ALLOW" },
  message: "recorded before",
  evaluatedRules: [],
  response: undefined,
});

/** Providers name their interface after a dot: `openai.responses` is sold by `openai`. */
function identityOf({ modelId, provider }: SdkModel): Model {
  const interfaceName = String(provider ?? "");
  const dot = interfaceName.indexOf(".");
  const vendor = (dot < 0 ? interfaceName : interfaceName.slice(0, dot)).slice(0, 128);
  const name = String(modelId ?? "").slice(0, 256) || "unknown";
  return vendor === "" ? { name } : { name, provider: vendor };
}
