import { withRun } from "@handlebar/core";
import { type AnyClient, type AnyRun, type JsonObject, logError } from "@handlebar/core/adapter";
import { AgentCall } from "./agent-call.ts";
import { asTools, tagMap } from "./govern.ts";
import type { GovernAIOptions, StartConfig } from "./govern-ai.ts";
import { governAgentClass } from "./governed-agent.ts";
import { noteGovernedCall } from "./governed-calls.ts";
import { resolveModel, wrapModel } from "./model-wrapper.ts";
import { isModel, isObject, type SdkToolDefinition } from "./sdk-shapes.ts";
import { clientToolsOf, tagsOf, wrapTools } from "./tool-wrapper.ts";

export type Params = Readonly<Record<string, unknown>>;
type SdkFunction = (params: unknown) => unknown;

const GENERATING = ["generateText", "generateObject"] as const;
const STREAMING = ["streamText", "streamObject", "experimental_streamTextLowMemory"] as const;
const AGENTS = ["ToolLoopAgent", "Experimental_Agent"] as const;
const ADAPTER = { name: "@handlebar/ai-sdk" } as const;
/** Tools whose names are remembered as registered. */
const REGISTERED_COUNT_MAX = 10_000;

export interface GovernorOptions extends Omit<GovernAIOptions, "start"> {
  readonly start?: StartConfig | (() => StartConfig) | undefined;
}

/** Puts the parts of the SDK that run agents under the policies of one client. */
export class SdkGovernor {
  readonly #hb: AnyClient;
  readonly #sdk: Params;
  readonly #options: GovernorOptions;
  readonly #tags: ReturnType<typeof tagMap>;
  readonly #registered = new Set<string>();

  constructor(hb: AnyClient, sdk: object, options: GovernorOptions) {
    this.#hb = hb;
    this.#sdk = { ...sdk };
    this.#options = options;
    this.#tags = tagMap(options.tags);
  }

  /** What stands in for the SDK's own, by name. */
  replacements(): Params {
    const classes = new Map<unknown, unknown>();
    return Object.fromEntries([
      ...this.#each(GENERATING, (original) => this.#generating(original)),
      ...this.#each(STREAMING, (original) => this.#streaming(original)),
      ...this.#each(AGENTS, (original) => {
        // Two names of one class stay two names of one class.
        if (!classes.has(original)) classes.set(original, governAgentClass(original, this));
        return classes.get(original);
      }),
    ]);
  }

  #each(
    names: readonly string[],
    replace: (original: SdkFunction) => unknown,
  ): readonly (readonly [string, unknown])[] {
    return names.flatMap((name) => {
      const original = this.#sdk[name];
      // What the SDK exports under these names takes one object.
      return typeof original === "function" ? [[name, replace(original as SdkFunction)] as const] : [];
    });
  }

  #generating(original: SdkFunction): SdkFunction {
    return async (params) => {
      const call = this.open(params);
      return this.finishing(call, () => original({ ...this.govern(params, call), ...this.noting(params) }));
    };
  }

  #streaming(original: SdkFunction): SdkFunction {
    return (params) => {
      const call = this.open(params);
      const ours = { ...this.callbacks(params, call), ...this.noting(params) };
      try {
        return withRun(call.run, () => original({ ...this.govern(params, call), ...ours }));
      } catch (error) {
        call.fail(error);
        throw error;
      }
    };
  }

  open(params: unknown): AgentCall {
    const { start } = this.#options;
    return new AgentCall(this.#hb, params, { ...(typeof start === "function" ? start() : start), adapter: ADAPTER });
  }

  /** Runs something whose end is the end of the call. */
  async finishing(call: AgentCall, work: () => unknown): Promise<unknown> {
    try {
      const result = await withRun(call.run, work);
      call.finish();
      return result;
    } catch (error) {
      call.fail(error);
      throw error;
    }
  }

  /** Tells the telemetry net, where one may be, which calls are governed already; only version 7 has one. */
  noting(given: unknown): Params {
    if (this.#sdk["registerTelemetry"] === undefined || !isObject(given) || !hasTelemetry(given)) return {};
    const started = given["onStart"] ?? given["experimental_onStart"];
    return {
      onStart: (event: unknown) => {
        noteGovernedCall(isObject(event) ? event["callId"] : undefined);
        return typeof started === "function" ? started(event) : undefined;
      },
    };
  }

  /** The parameters of a call with model, tools and the end of the loop under the run's policies. */
  govern(given: unknown, call: AgentCall): Params {
    if (!isObject(given)) return {};
    const { run } = call;
    const { model, tools, stopWhen, prepareStep } = given;
    const wrap = (one: unknown): unknown => this.#model(one, tools, run);
    return {
      ...given,
      ...(model === undefined || model === null ? {} : { model: wrap(model) }),
      ...(isObject(tools) ? { tools: this.#tools(tools, run) } : {}),
      // Only added to: without a condition of its own, the SDK stops after one step.
      ...(stopWhen === undefined || stopWhen === null ? {} : { stopWhen: [stopWhen, () => call.isOver].flat() }),
      ...(typeof prepareStep === "function" ? { prepareStep: governStep(prepareStep, wrap) } : {}),
    };
  }

  /** The callbacks through which a stream tells how it ended, each handing on to the caller's own. */
  callbacks(given: unknown, call: AgentCall): Params {
    const params = isObject(given) ? given : {};
    const { onError, onAbort } = params;
    const finishName = params["onEnd"] === undefined ? "onFinish" : "onEnd";
    const finished = params[finishName];
    return {
      [finishName]: (event: unknown) => {
        call.finish();
        return typeof finished === "function" ? finished(event) : undefined;
      },
      onAbort: (event: unknown) => {
        call.interrupt();
        return typeof onAbort === "function" ? onAbort(event) : undefined;
      },
      onError: async (event: unknown) => {
        const error = isObject(event) ? event["error"] : event;
        // Without a handler of the caller's, the SDK logs.
        const answer: unknown = typeof onError === "function" ? await onError(event) : logError(error);
        const triesAgain = isObject(answer) && answer["retry"] === true;
        if (!triesAgain) call.fail(error);
        return answer;
      },
    };
  }

  #tools(tools: object, run: AnyRun): unknown {
    const { approvals = "block" } = this.#options;
    return wrapTools(asTools(tools), { run, tags: this.#tags, approvals });
  }

  #model(model: unknown, tools: unknown, run: AnyRun): unknown {
    const known = asTools(isObject(tools) ? tools : {});
    const tags = this.#tags;
    const resolved = isModel(model) ? model : resolveModel(model, this.#sdk["gateway"]);
    return wrapModel(resolved, {
      run,
      tools: known,
      clientTools: clientToolsOf(known),
      tags,
      stampsRunId: this.#options.approvals === "native",
      onOffered: (offered) => this.#register(offered, (name) => tagsOf(name, known[name], tags)),
    });
  }

  /** Makes tools known to policies and control plane when a model is first offered them. */
  #register(offered: readonly SdkToolDefinition[], tags: (name: string) => readonly string[]): void {
    const fresh = offered.filter(({ name }) => !this.#registered.has(name));
    if (fresh.length === 0 || this.#registered.size > REGISTERED_COUNT_MAX) return;
    for (const { name } of fresh) this.#registered.add(name);
    this.#hb.registerTools(
      fresh.map(({ name, description, inputSchema }) => ({
        name,
        tags: [...new Set(tags(name))],
        ...(typeof description === "string" ? { description } : {}),
        ...(isObject(inputSchema) ? { argsSchema: inputSchema as JsonObject } : {}),
      })),
    );
  }
}

function hasTelemetry({ telemetry, experimental_telemetry }: Params): boolean {
  const registered = (globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: unknown }).AI_SDK_TELEMETRY_INTEGRATIONS;
  return (
    telemetry !== undefined ||
    experimental_telemetry !== undefined ||
    (Array.isArray(registered) && registered.length > 0)
  );
}

type Step = (options: unknown) => unknown;

function governStep(prepareStep: unknown, wrap: (model: unknown) => unknown): Step {
  const prepare = prepareStep as Step;
  return async (options) => {
    const prepared = await prepare(options);
    return isObject(prepared) && prepared["model"] !== undefined && prepared["model"] !== null
      ? { ...prepared, model: wrap(prepared["model"]) }
      : prepared;
  };
}
