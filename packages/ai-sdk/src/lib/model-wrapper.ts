import { type AnyRun, HandlebarError } from "@handlebar/core/adapter";
import { eitherSignal } from "./abort.ts";
import { governStream } from "./answer-stream.ts";
import { closingAnswer, closingStream, isCall, withoutCalls } from "./closing-answer.ts";
import { GOVERNED, isGoverned } from "./governed-mark.ts";
import { inRun } from "./in-run.ts";
import { ModelCall } from "./model-call.ts";
import {
  isModel,
  isObject,
  type SdkAnswer,
  type SdkCallOptions,
  type SdkModel,
  type SdkStream,
  type SdkTools,
} from "./sdk-shapes.ts";

export interface ModelSettings {
  readonly run: AnyRun;
  /** Names of tools that run elsewhere. */
  readonly clientTools: ReadonlySet<string>;
  readonly tools: SdkTools;
  readonly tags: Readonly<Record<string, readonly string[]>>;
  /** Calls carry the run's id, for a pause that goes on elsewhere. */
  readonly stampsRunId: boolean;
  /** Told of the tools that a request offers the model. */
  readonly onOffered?: ((tools: NonNullable<SdkCallOptions["tools"]>) => void) | undefined;
}

/** A model whose requests and answers go through the run's policies; the same one where it is governed already. */
export function wrapModel(model: SdkModel, settings: ModelSettings): SdkModel {
  return isGoverned(model) ? model : new Proxy(model, new ModelHandler(model, settings));
}

/** What a governed model has of its own, before the model itself. The SDK asks a model for its properties dozens of times a call. */
class ModelHandler implements ProxyHandler<SdkModel> {
  readonly #doGenerate: SdkModel["doGenerate"];
  readonly #doStream: SdkModel["doStream"];

  constructor(model: SdkModel, settings: ModelSettings) {
    const governed = new GovernedModel(model, settings);
    this.#doGenerate = (options) => governed.doGenerate(options);
    this.#doStream = (options) => governed.doStream(options);
  }

  has(target: SdkModel, key: PropertyKey): boolean {
    return key === GOVERNED || key === "doGenerate" || key === "doStream" || key in target;
  }

  get(target: SdkModel, key: PropertyKey): unknown {
    if (key === "doGenerate") return this.#doGenerate;
    if (key === "doStream") return this.#doStream;
    if (key === GOVERNED) return true;
    const value: unknown = Reflect.get(target, key, target);
    // A method with private fields must find its own object.
    return typeof value === "function" ? value.bind(target) : value;
  }
}

/**
 * The model behind what the SDK takes for one: an object, or an id that its default provider knows.
 * @throws HandlebarError `HB_CONFIG_INVALID` for an id where no provider is at hand.
 */
export function resolveModel(model: unknown, defaultProvider: unknown): SdkModel {
  if (isModel(model)) return model;
  const provider = (globalThis as { AI_SDK_DEFAULT_PROVIDER?: unknown }).AI_SDK_DEFAULT_PROVIDER ?? defaultProvider;
  const make =
    isObject(provider) || typeof provider === "function" ? Reflect.get(provider, "languageModel") : undefined;
  const made: unknown =
    typeof model === "string" && typeof make === "function" ? make.call(provider, model) : undefined;
  if (isModel(made)) return made;
  throw new HandlebarError(
    "HB_CONFIG_INVALID",
    `\`${typeof model === "string" ? model : typeof model}\` is no model that can be governed; pass a model object, or use \`governAI\``,
    { field: "model" },
  );
}

class GovernedModel {
  readonly #model: SdkModel;
  readonly #settings: ModelSettings;

  constructor(model: SdkModel, settings: ModelSettings) {
    this.#model = model;
    this.#settings = settings;
  }

  async doGenerate(options: SdkCallOptions): Promise<SdkAnswer> {
    const call = await this.#open(options);
    const version = this.#model.specificationVersion;
    if (call.denied !== undefined) options.abortSignal?.throwIfAborted();
    if (call.denied !== undefined) return closingAnswer(version, call.denied);
    let answer: SdkAnswer;
    try {
      answer = await inRun(call.run, () => this.#model.doGenerate(this.#sent(call, options)));
    } catch (error) {
      if (await call.fail(error, options.abortSignal)) return closingAnswer(version, call.endMessage);
      throw error;
    }
    const settled = await call.settle(answer.content, answer.usage);
    if (settled.status === "denied") {
      return { ...withoutBody(answer), ...closingAnswer(version, settled.message), usage: answer.usage };
    }
    if (settled.content === answer.content) return answer;
    const content = settled.content.filter((part) => part !== undefined);
    const lostCalls = answer.content.some(isCall) && !content.some(isCall);
    return {
      ...(settled.isRewritten ? withoutBody(answer) : answer),
      content,
      ...(lostCalls ? { finishReason: withoutCalls(version) } : {}),
    };
  }

  async doStream(options: SdkCallOptions): Promise<SdkStream> {
    const call = await this.#open(options);
    const version = this.#model.specificationVersion;
    if (call.denied !== undefined) options.abortSignal?.throwIfAborted();
    if (call.denied !== undefined) return closingStream(version, call.denied);
    let answer: SdkStream;
    try {
      answer = await inRun(call.run, () => this.#model.doStream(this.#sent(call, options)));
    } catch (error) {
      if (await call.fail(error, options.abortSignal)) return closingStream(version, call.endMessage);
      throw error;
    }
    return {
      ...answer,
      stream: governStream(answer.stream, call, {
        specificationVersion: version,
        callersSignal: options.abortSignal,
        holdsBack: this.#holdsBack(call, options),
      }),
    };
  }

  #holdsBack(call: ModelCall, { tools }: SdkCallOptions): "all" | "calls" | "starts" {
    if (call.run.canChange("llm.after")) return "all";
    const runsElsewhere =
      this.#settings.clientTools.size > 0 || tools?.some(({ type }) => type !== "function") === true;
    return runsElsewhere ? "calls" : "starts";
  }

  #open(options: SdkCallOptions): Promise<ModelCall> {
    if (options.tools !== undefined) this.#settings.onOffered?.(options.tools);
    return ModelCall.open(this.#model, this.#settings, options.prompt);
  }

  #sent(call: ModelCall, options: SdkCallOptions): SdkCallOptions {
    return { ...options, prompt: call.prompt, abortSignal: eitherSignal(options.abortSignal, call.run.signal) };
  }
}

/** The answer without the provider's raw one, which says again what policy took out. */
function withoutBody(answer: SdkAnswer): SdkAnswer {
  return answer.response === undefined ? answer : { ...answer, response: { ...answer.response, body: undefined } };
}
