import type { AnyClient, AnyRun } from "@handlebar/core/adapter";
import type { BaseMessage } from "@langchain/core/messages";
import { baseOf, type ChatModelInside, isBinding, isChatModel, isConfigurable } from "./chat-model.ts";
import { GOVERNED, isGovernedBy, markGoverned } from "./governed-mark.ts";
import { ModelCall, modelNamed } from "./model-call.ts";
import { generate, type OpenCall, type OpenedCall, streamChunks } from "./model-stream.ts";
import { type CallRun, runFor } from "./run-source.ts";

export interface GovernOptions {
  /** The run that calls belong to. Default: the ambient run (`withRun`), else each call is a run of its own. */
  readonly run?: AnyRun | undefined;
}

/**
 * A chat model whose every request is decided first, in `invoke`, `stream`, `streamEvents` and `batch` alike, also with tools or a
 * schema bound to it later: blocked requests are answered by Handlebar, prompts and answers are redacted where policy says so, and
 * usage is counted once. Streams are held back only while a policy for `llm.after` could change them. The model itself is left
 * alone, and governing a model twice is the same as once.
 */
export function governModel<T extends object>(hb: AnyClient, model: T, options: GovernOptions = {}): T {
  if (isGovernedBy(model, hb)) return model;
  const open: OpenCall = async (messages, described) => {
    const { run, owned } = runFor(hb, options.run);
    const call = await ModelCall.open(run, messages, described);
    return { call, messages: call.messages, close: (failed) => closeOwn({ run, owned }, failed) };
  };
  return markGoverned(governWith(model, open), hb);
}

function closeOwn({ run, owned }: CallRun, failed: boolean): void {
  if (owned) void run.end(failed ? "error" : "success");
}

/** The model for one request of an agent that was decided already. */
export function governRequest<T extends object>(model: T, call: ModelCall): T {
  let first: ModelCall | undefined = call;
  const open: OpenCall = async (messages, described): Promise<OpenedCall> => {
    const known = first;
    first = undefined;
    const opened = known ?? (await ModelCall.open(call.run, messages, described));
    return { call: opened, messages: known === undefined ? opened.messages : [...messages], close: nothing };
  };
  return governWith(model, open);
}

const nothing = (): void => undefined;

/** Whether `governRequest` can get inside a model. */
export function canGovern(model: unknown): boolean {
  return isChatModel(model) || isConfigurable(model) || isBinding(model);
}

function governWith<T extends object>(model: T, open: OpenCall): T {
  const again = (made: unknown): unknown => (isObject(made) && canGovern(made) ? governWith(made, open) : made);
  if (isConfigurable(model)) {
    return derive(model, {
      _getModelInstance: async (config?: unknown) => again(await model._getModelInstance(config)),
      ...rewrapped(model, ["bindTools", "withConfig", "withStructuredOutput"], again),
    });
  }
  if (isChatModel(model)) {
    return derive(model, { ...inside(model, open), ...rewrapped(model, ["bindTools", "withConfig"], again) });
  }
  if (isBinding(model)) return derive(model, { bound: again(model.bound) });
  return model;
}

function inside(model: ChatModelInside, open: OpenCall): object {
  const opened = (messages: readonly BaseMessage[], options: object): Promise<OpenedCall> =>
    open(messages, modelNamed(model, options));
  const base = baseOf(model);
  const streams = model._streamResponseChunks !== base._streamResponseChunks;
  const hasEvents = "_streamChatModelEvents" in model && model._streamChatModelEvents !== base._streamChatModelEvents;
  const governed = {
    // Seen by `HandlebarGuard`, which leaves such calls to the model.
    metadata: { ...model.metadata, [GOVERNED]: true },
    _generate: (messages: BaseMessage[], options: object, sink?: never) =>
      generate(model, opened(messages, options), { options, sink }),
  };
  if (!streams && !hasEvents) return governed;
  return {
    ...governed,
    _streamResponseChunks: (messages: BaseMessage[], options: object, sink?: never) =>
      streamChunks(model, opened(messages, options), { options, sink, streams }),
    // The default one, which is made of the chunks above.
    ...(base._streamChatModelEvents === undefined ? {} : { _streamChatModelEvents: base._streamChatModelEvents }),
  };
}

/** The methods that give a new model, with what they give governed too. */
function rewrapped(model: object, names: readonly string[], again: (made: unknown) => unknown): object {
  const source = model as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    names.flatMap((name) => {
      const method = source[name];
      if (typeof method !== "function") return [];
      return [[name, (...args: unknown[]): unknown => again(method.apply(model, args))]];
    }),
  );
}

/** The same object, with some of its properties laid over. */
function derive<T extends object>(model: T, own: object): T {
  const descriptors = Object.fromEntries(
    Object.entries(own).map(([name, value]) => [
      name,
      { value, configurable: true, writable: true, enumerable: false },
    ]),
  );
  // Everything that is not laid over comes from the model itself.
  return Object.create(model, descriptors) as T;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
