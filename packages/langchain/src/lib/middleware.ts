import { type RunConfig, withRun } from "@handlebar/core";
import { type AnyClient, type AnyRun, joinOrStartRun } from "@handlebar/core/adapter";
import { AIMessage, type BaseMessage, type ToolMessage } from "@langchain/core/messages";
import { Command } from "@langchain/langgraph";
import type { AgentMiddleware } from "langchain";
import { decideBatch } from "./batch-decision.ts";
import { canGovern, forgetPrepared, governRequest } from "./govern-model.ts";
import { isGovernedBy } from "./governed-mark.ts";
import type { PausingRuntime } from "./held-batch.ts";
import { type HookPlace, type KeptState, keptState, runOf, STATE_KEY, stateSchema } from "./kept-state.ts";
import { ModelCall, modelNamed } from "./model-call.ts";
import { ADAPTER, boundRun } from "./run-source.ts";
import { governCall, type ToolRequest } from "./tool-request.ts";
import { register } from "./tool-shape.ts";

/** How an agent's runs begin and what a held call does. */
export interface HandlebarOptions {
  /**
   * For each run that is started: whom it acts for, which session it belongs to and so on, from the invocation's own context and
   * configuration.
   */
  readonly start?: ((invocation: Invocation) => RunConfig<never>) | undefined;
  /**
   * What a call does that waits for a person: `pause` (default) interrupts the graph, where a checkpointer is there to keep it;
   * `block` answers the model that the call was held.
   */
  readonly approvals?: "pause" | "block" | undefined;
}

/** What an agent was invoked with. */
export interface Invocation {
  readonly context: unknown;
  readonly configurable: Readonly<Record<string, unknown>>;
}

/** How the middleware is built in; decided by `governAgent`. */
export interface Placement {
  /** Somebody else starts and ends the runs. */
  readonly hasOwner: boolean;
}

/** The name of the middleware. */
export const NAME = "Handlebar";

/**
 * Middleware for `createAgent` that puts every model and tool call of the agent under policy. Put it last, so that it is closest to
 * the model and the tools; `governAgent` does so by itself, and also knows how each run ended.
 */
export function handlebar(hb: AnyClient, options: HandlebarOptions = {}): AgentMiddleware {
  return buildMiddleware(hb, options, { hasOwner: false });
}

interface HookRuntime extends PausingRuntime {
  readonly context?: unknown;
  readonly signal?: AbortSignal | undefined;
}

interface ModelRequest {
  readonly model: object;
  readonly messages: BaseMessage[];
  readonly systemMessage: BaseMessage;
  readonly tools?: readonly unknown[];
  readonly state: unknown;
  readonly runtime: HookRuntime;
}

/** The middleware, as `handlebar` and `governAgent` make it. */
export function buildMiddleware(hb: AnyClient, options: HandlebarOptions, placement: Placement): AgentMiddleware {
  const lifecycle = placement.hasOwner
    ? {}
    : {
        beforeAgent: (state: unknown, runtime: HookRuntime) => ({
          [STATE_KEY]: begin(hb, options, { state, runtime }),
        }),
        afterAgent: (state: unknown): void => finish(hb, state),
      };
  const middleware = {
    // What `createMiddleware` marks its own with; importing it could load a second copy of LangChain.
    [Symbol.for("AgentMiddleware")]: true,
    name: NAME,
    stateSchema,
    ...lifecycle,
    wrapModelCall: async (request: ModelRequest, next: (request: ModelRequest) => Promise<unknown>) => {
      const run = runOf(hb, place(options, request));
      endWhenAborted(run, request);
      register(hb, request.tools ?? []);
      const answer = await callModel(hb, run, { request, next });
      if (!AIMessage.isInstance(answer)) return answer;
      const update = await decideBatch(answer, {
        run,
        tools: request.tools ?? [],
        runtime: request.runtime,
        pauses: options.approvals !== "block",
        owned: keptState(request.state)?.owned ?? false,
      });
      return update === undefined ? answer : new Command({ update: { ...update } });
    },
    wrapToolCall: (request: ToolRequest, next: (request: ToolRequest) => Promise<ToolMessage | Command>) => {
      const run = runOf(hb, place(options, request));
      endWhenAborted(run, request);
      return governCall(run, { hb, request, next, pauses: options.approvals !== "block" });
    },
  };
  // Built after LangChain's own `createMiddleware`, whose result this is the shape of.
  return middleware as unknown as AgentMiddleware;
}

function place(options: HandlebarOptions, hook: { readonly state: unknown; readonly runtime: HookRuntime }): HookPlace {
  const { state, runtime } = hook;
  return { state, configurable: runtime.configurable, start: () => startConfig(options, runtime) };
}

function begin(hb: AnyClient, options: HandlebarOptions, hook: { state: unknown; runtime: HookRuntime }): KeptState {
  const { state, runtime } = hook;
  const bound = boundRun(hb, runtime.configurable);
  if (bound !== undefined) return { runId: bound.runId, owned: false };
  const left = keptState(state);
  // A new message on a thread that waits for a person: nobody goes on with the old run.
  if (left?.owned === true) void hb.startRun({ runId: left.runId, snapshot: left.snapshot }).end("interrupted");
  const { run, owned } = joinOrStartRun(hb, startConfig(options, runtime));
  return { runId: run.runId, owned };
}

/** The configuration of a run that starts with an invocation. */
export function startConfig(
  options: HandlebarOptions,
  { context, configurable }: { readonly context?: unknown; readonly configurable?: unknown },
): RunConfig<never> {
  const given = typeof configurable === "object" && configurable !== null ? configurable : {};
  return { adapter: ADAPTER, ...options.start?.({ context, configurable: { ...given } }) };
}

function finish(hb: AnyClient, state: unknown): void {
  const kept = keptState(state);
  if (kept?.owned === true) void hb.startRun({ runId: kept.runId, snapshot: kept.snapshot }).end("success");
}

// The signal of a whole invocation comes with every hook: one listener is enough.
const watched = new WeakMap<AbortSignal, AnyRun>();

/** An abort by the caller ends an agent without any hook. */
function endWhenAborted(
  run: AnyRun,
  { state, runtime }: { readonly state: unknown; readonly runtime: HookRuntime },
): void {
  const { signal } = runtime;
  if (signal === undefined || keptState(state)?.owned !== true || watched.get(signal) === run) return;
  watched.set(signal, run);
  signal.addEventListener("abort", () => void run.end("interrupted"), { once: true });
}

async function callModel(
  hb: AnyClient,
  run: AnyRun,
  { request, next }: { readonly request: ModelRequest; readonly next: (request: ModelRequest) => Promise<unknown> },
): Promise<unknown> {
  const { model, systemMessage } = request;
  if (isGovernedBy(model, hb)) return withRun(run, () => next(request));
  const hasSystem = systemMessage.text !== "";
  const asked = hasSystem ? [systemMessage, ...request.messages] : request.messages;
  const call = await ModelCall.open(run, asked, modelNamed(model));
  if (call.blockedBy !== undefined) return call.refusal();
  const [system, ...rest] = call.messages;
  const changed = {
    ...request,
    messages: hasSystem ? rest : call.messages,
    ...(hasSystem && system !== undefined && system !== systemMessage ? { systemMessage: system } : {}),
  };
  if (canGovern(model)) {
    try {
      return await withRun(run, () => next({ ...changed, model: governRequest(hb, model, call) }));
    } finally {
      forgetPrepared(call);
    }
  }
  try {
    const answer = await withRun(run, () => next(changed));
    return AIMessage.isInstance(answer) ? call.settle(answer) : answer;
  } catch (error) {
    await call.fail(error);
    throw error;
  }
}
