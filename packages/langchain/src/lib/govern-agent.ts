import type { AnyClient } from "@handlebar/core/adapter";
import {
  type AgentInside,
  type InvokeConfig,
  isAgent,
  isOnlyWrapper,
  isReactAgent,
  unwrapped,
  withMiddleware,
} from "./agent-shape.ts";
import { isGovernedBy, markGoverned } from "./governed-mark.ts";
import { Invocation } from "./invocation.ts";
import { buildMiddleware, type HandlebarOptions, startConfig } from "./middleware.ts";
import { saysInterrupt, watchStream } from "./stream-end.ts";
import { isObject, register } from "./tool-shape.ts";

/**
 * An agent of `createAgent`, or a compiled LangGraph graph, that starts a run for each invocation and ends it as it came to an end,
 * whatever way: by an answer, an error, an abort, a policy, or a stream that nobody reads on. Adds the middleware where it is not
 * there yet, and governs agents and chains inside that are not governed themselves. The type stays, and so does the agent given.
 */
export function governAgent<T extends object>(hb: AnyClient, agent: T, options: HandlebarOptions = {}): T {
  if (isGovernedBy(agent, hb) || !isAgent(agent)) return agent;
  if (isReactAgent(agent)) register(hb, agent.options.tools ?? []);
  const target = withMiddleware(agent, () => buildMiddleware(hb, options, { hasOwner: true }));
  // The same class, or the same agent, with its own methods laid over.
  return markGoverned(new GovernedAgent(hb, target, options).proxy() as T, hb);
}

class GovernedAgent {
  readonly #hb: AnyClient;
  readonly #target: AgentInside;
  readonly #options: HandlebarOptions;
  readonly #isOnlyWrapper: boolean;

  constructor(hb: AnyClient, target: AgentInside, options: HandlebarOptions) {
    this.#hb = hb;
    this.#target = target;
    this.#options = options;
    this.#isOnlyWrapper = isOnlyWrapper(target);
  }

  proxy(): object {
    const own: Readonly<Record<string, unknown>> = {
      invoke: (input: unknown, config?: InvokeConfig) => this.#invoke(input, config),
      stream: (input: unknown, config?: InvokeConfig) => this.#stream(input, config),
      streamEvents: (input: unknown, config?: InvokeConfig, ...rest: readonly unknown[]) =>
        this.#streamEvents(input, config, rest),
      batch: (inputs: readonly unknown[], config?: InvokeConfig | readonly (InvokeConfig | undefined)[]) =>
        Promise.all(inputs.map((input, at) => this.#invoke(input, configAt(config, at)))),
      withConfig: (config: unknown) => governAgent(this.#hb, this.#target.withConfig(config), this.#options),
    };
    const methods = new Map<PropertyKey, unknown>();
    return new Proxy(this.#target, {
      get(agent, name) {
        const value: unknown = Reflect.get(agent, name, agent);
        if (typeof value !== "function" || name === "constructor") return value;
        if (typeof name === "string" && Object.hasOwn(own, name)) return own[name];
        // Agents have private fields, which only they themselves may touch.
        if (!methods.has(name)) methods.set(name, value.bind(agent));
        return methods.get(name);
      },
      set: (agent, name, value) => Reflect.set(agent, name, value, agent),
    });
  }

  #begin(input: unknown, config: InvokeConfig | undefined, isStream: boolean): Invocation {
    return new Invocation(this.#hb, {
      config,
      start: startConfig(this.#options, config ?? {}),
      resumes: isReactAgent(this.#target) && isResume(input),
      isOnlyWrapper: this.#isOnlyWrapper,
      isStream,
    });
  }

  async #invoke(input: unknown, config: InvokeConfig | undefined): Promise<unknown> {
    const invocation = this.#begin(input, config, false);
    try {
      const result = await invocation.within(() => this.#target.invoke(input, invocation.config));
      if (saysInterrupt(result)) invocation.pause();
      invocation.end();
      return result;
    } catch (error) {
      throw this.#failed(invocation, error);
    }
  }

  #failed(invocation: Invocation, error: unknown): unknown {
    invocation.end({ error });
    return this.#isOnlyWrapper ? unwrapped(error) : error;
  }

  async #stream(input: unknown, config: InvokeConfig | undefined): Promise<object> {
    const invocation = this.#begin(input, config, true);
    try {
      return this.#observe(await invocation.within(() => this.#target.stream(input, invocation.config)), invocation);
    } catch (error) {
      throw this.#failed(invocation, error);
    }
  }

  #observe(stream: object, invocation: Invocation): object {
    return watchStream(stream, {
      onItem: (item) => {
        if (saysInterrupt(item)) invocation.pause();
      },
      onFailure: (error) => this.#failed(invocation, error),
      onLeft: () => invocation.leave(),
      onDone: () => invocation.end(),
    });
  }

  /** Gives what the agent gives: a stream, or the promise of one. */
  #streamEvents(input: unknown, config: InvokeConfig | undefined, rest: readonly unknown[]): unknown {
    const invocation = this.#begin(input, config, true);
    const made = invocation.within(() => this.#target.streamEvents(input, invocation.config, ...rest));
    if (!isObject(made) || !("then" in made) || typeof made.then !== "function") {
      return isObject(made) ? this.#observe(made, invocation) : made;
    }
    // A promise, as was just seen.
    return (made as unknown as Promise<object>).then(
      (stream) => this.#observe(stream, invocation),
      (error: unknown) => {
        throw this.#failed(invocation, error);
      },
    );
  }
}

/** A graph goes on from its checkpoint with a command, or with nothing. */
function isResume(input: unknown): boolean {
  return (
    input === null || input === undefined || (isObject(input) && "lg_name" in input && input.lg_name === "Command")
  );
}

function configAt(
  config: InvokeConfig | readonly (InvokeConfig | undefined)[] | undefined,
  at: number,
): InvokeConfig | undefined {
  // `Array.isArray` does not know readonly lists.
  return Array.isArray(config)
    ? (config as readonly (InvokeConfig | undefined)[])[at]
    : (config as InvokeConfig | undefined);
}
