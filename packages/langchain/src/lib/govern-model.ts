import { getCurrentRun, withRun } from "@handlebar/core";
import { type AnyClient, type AnyRun, perRun } from "@handlebar/core/adapter";
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
    const prepared = takePrepared(options.run ?? getCurrentRun(), messages);
    if (prepared !== undefined) return { call: prepared, messages: [...messages], close: nothing };
    const { run, owned } = runFor(hb, options.run);
    const call = await ModelCall.open(run, messages, described);
    return { call, messages: call.messages, close: (failed) => closeOwn({ run, owned }, failed) };
  };
  return markGoverned(governWith(model, open), hb);
}

function closeOwn({ run, owned }: CallRun, failed: boolean): void {
  if (owned) void run.end(failed ? "error" : "success");
}

// By client and model: an object made anew for each request is slow to use.
const governed = new WeakMap<AnyClient, WeakMap<object, object>>();

/** The model of an agent, whose requests were decided already: `call` is the next one with these messages in its run. */
export function governRequest<T extends object>(hb: AnyClient, model: T, call: ModelCall): T {
  if (withRun(call.run, getCurrentRun) !== call.run) return markGoverned(governWith(model, firstOf(hb, call)), hb);
  prepare(call);
  const models = governed.get(hb) ?? new WeakMap<object, object>();
  governed.set(hb, models);
  const known = models.get(model);
  // What is kept for a model is that model.
  if (known !== undefined) return known as T;
  const made = governModel(hb, model);
  models.set(model, made);
  return made;
}

/** For hosts without an ambient run: an object for this request alone. */
function firstOf(hb: AnyClient, call: ModelCall): OpenCall {
  let first: ModelCall | undefined = call;
  return async (messages, described): Promise<OpenedCall> => {
    const known = first;
    first = undefined;
    const opened = known ?? (await ModelCall.open(runFor(hb, call.run).run, messages, described));
    return { call: opened, messages: known === undefined ? opened.messages : [...messages], close: nothing };
  };
}

// In the order of their decisions.
const preparedOf = perRun(Symbol("handlebar.langchain.prepared"), (): ModelCall[] => []);
/** Decided requests that have not gone out; one that comes beyond them is decided anew. */
const PREPARED_COUNT_MAX = 1024;

function prepare(call: ModelCall): void {
  const calls = preparedOf(call.run);
  calls.push(call);
  if (calls.length > PREPARED_COUNT_MAX) calls.shift();
}

/** The request was answered, or will not go out. */
export function forgetPrepared(call: ModelCall): void {
  const calls = preparedOf(call.run);
  const at = calls.indexOf(call);
  if (at >= 0) calls.splice(at, 1);
}

function takePrepared(run: AnyRun | undefined, messages: readonly BaseMessage[]): ModelCall | undefined {
  const last = messages.at(-1);
  if (run === undefined || last === undefined) return undefined;
  const calls = preparedOf(run);
  const at = calls.findIndex((call) => call.messages.at(-1) === last);
  return at < 0 ? undefined : calls.splice(at, 1)[0];
}

const nothing = (): void => undefined;

/** Whether `governRequest` can get inside a model. */
export function canGovern(model: unknown): boolean {
  return isChatModel(model) || isConfigurable(model) || isBinding(model);
}

function governWith<T extends object>(model: T, open: OpenCall): T {
  const own: { model?: T } = {};
  const again = (made: unknown): unknown => {
    if (made === model && own.model !== undefined) return own.model;
    return isObject(made) && canGovern(made) ? governWith(made, open) : made;
  };
  if (isConfigurable(model)) {
    return derive(model, {
      _getModelInstance: async (config?: unknown) => again(await model._getModelInstance(config)),
      ...rewrapped(model, ["bindTools", "withConfig", "withStructuredOutput"], again),
    });
  }
  if (isChatModel(model)) {
    own.model = derive(model, { ...inside(model, open), ...rewrapped(model, ["bindTools", "withConfig"], again) });
    return own.model;
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
      return [[name, (...args: unknown[]): unknown => rebound(method.apply(model, args), model, again)]];
    }),
  );
}

/** A binding was made for this caller alone, and gets the governed model; other models are governed in turn. */
function rebound(made: unknown, model: object, again: (made: unknown) => unknown): unknown {
  if (!isBinding(made) || made.bound !== model) return again(made);
  return Object.assign(made, { bound: again(model) });
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
