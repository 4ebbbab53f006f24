import { getCurrentRun } from "@handlebar/core";
import type { Model, ModelProvider, ModelRequest, ModelResponse, StreamEvent } from "@openai/agents";
import type { Framework } from "./framework.ts";
import { ModelTurn } from "./model-turn.ts";
import { streamTurn } from "./stream-turn.ts";

const GOVERNED = Symbol.for("handlebar.openai-agents.model.v1");

/**
 * Puts a model under the run that is current when it is asked. In place: an agent keeps its own model. Inert without a run;
 * idempotent, also across copies of this package.
 */
export function governModel(model: Model, framework: Framework, name?: string): Model {
  if (GOVERNED in model) return model;
  const { getResponse, getStreamedResponse } = model;
  const patch = {
    getResponse(this: Model, request: ModelRequest): Promise<ModelResponse> {
      const run = getCurrentRun();
      if (run === undefined) return getResponse.call(this, request);
      return wholeTurn(new ModelTurn(run, { framework, request, modelName: name ?? nameOf(model) }), (governed) =>
        getResponse.call(this, governed),
      );
    },
    getStreamedResponse(this: Model, request: ModelRequest): AsyncIterable<StreamEvent> {
      const run = getCurrentRun();
      if (run === undefined) return getStreamedResponse.call(this, request);
      return streamTurn(new ModelTurn(run, { framework, request, modelName: name ?? nameOf(model) }), (governed) =>
        getStreamedResponse.call(this, governed),
      );
    },
  };
  const target = Object.isExtensible(model) ? model : facade(model);
  for (const [key, value] of Object.entries(patch))
    Object.defineProperty(target, key, { value, writable: true, configurable: true });
  Object.defineProperty(target, GOVERNED, { value: true });
  return target;
}

/** Stands for a model that cannot be changed. */
function facade(model: Model): Model {
  const { supportsPromptModelSelection } = model;
  return {
    ...(supportsPromptModelSelection === undefined ? {} : { supportsPromptModelSelection }),
    getResponse: (request) => model.getResponse(request),
    getStreamedResponse: (request) => model.getStreamedResponse(request),
    ...(model.getRetryAdvice === undefined ? {} : { getRetryAdvice: (args) => model.getRetryAdvice?.(args) }),
  };
}

/** The model's own idea of its name; models of the framework keep it in a field. */
function nameOf(model: object): string | undefined {
  for (const key of ["model", "_model", "modelId"]) {
    const value: unknown = Reflect.get(model, key);
    if (typeof value === "string" && value !== "") return value;
  }
  return undefined;
}

/** A provider whose models are governed. */
export function governProvider(provider: ModelProvider, framework: Framework): ModelProvider {
  if (GOVERNED in provider) return provider;
  const getModel = async (name?: string): Promise<Model> =>
    governModel(await provider.getModel(name), framework, name === "" ? undefined : name);
  return new Proxy(provider, {
    has: (target, key) => key === GOVERNED || Reflect.has(target, key),
    get: (target, key) => {
      if (key === "getModel") return getModel;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function wholeTurn(
  turn: ModelTurn,
  send: (request: ModelRequest) => Promise<ModelResponse>,
): Promise<ModelResponse> {
  const opened = await turn.open();
  if ("stopped" in opened) return turn.stop(opened.stopped);
  let response: ModelResponse;
  try {
    response = await send(opened.request);
  } catch (error) {
    const stopped = await turn.fail(error);
    if (stopped === undefined) throw error;
    return turn.stop(stopped);
  }
  const { output } = await turn.close(response);
  return output === response.output ? response : { ...response, output: [...output] };
}
