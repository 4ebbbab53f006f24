import type { AnyClient } from "@handlebar/core/adapter";
import {
  type AgentInside,
  hasOthers,
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
  readonly #guards: boolean;

  constructor(hb: AnyClient, target: AgentInside, options: HandlebarOptions) {
    this.#hb = hb;
    this.#target = target;
    this.#options = options;
    this.#isOnlyWrapper = isOnlyWrapper(target);
    this.#guards = hasOthers(target);
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

  /** A graph built by hand keeps no state for Handlebar: where it waits for a person, its interrupt names the run. */
  async #begin(input: unknown, config: InvokeConfig | undefined): Promise<Invocation> {
    const runId = isReactAgent(this.#target) || !isResume(input) ? undefined : await waitingRun(this.#target, config);
    return this.#beginNow(input, config, runId);
  }

  #beginNow(input: unknown, config: InvokeConfig | undefined, runId?: string): Invocation {
    return new Invocation(this.#hb, {
      runId,
      config,
      start: startConfig(this.#options, config ?? {}),
      resumes: isReactAgent(this.#target) && isResume(input),
      isOnlyWrapper: this.#isOnlyWrapper,
      guards: this.#guards,
    });
  }

  async #invoke(input: unknown, config: InvokeConfig | undefined): Promise<unknown> {
    const invocation = await this.#begin(input, config);
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
    const invocation = await this.#begin(input, config);
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

  /** Gives what the agent gives: a stream, or, in version 3, the promise of one. */
  #streamEvents(input: unknown, config: InvokeConfig | undefined, rest: readonly unknown[]): unknown {
    if (config?.version === "v3") return this.#runStream(input, config, rest);
    const invocation = this.#beginNow(input, config);
    const made = invocation.within(() => this.#target.streamEvents(input, invocation.config, ...rest));
    return isObject(made) ? this.#observe(made, invocation) : made;
  }

  async #runStream(input: unknown, config: InvokeConfig, rest: readonly unknown[]): Promise<unknown> {
    const invocation = await this.#begin(input, config);
    try {
      const made = await invocation.within(() => this.#target.streamEvents(input, invocation.config, ...rest));
      return isObject(made) ? this.#observe(made, invocation) : made;
    } catch (error) {
      throw this.#failed(invocation, error);
    }
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

async function waitingRun(graph: AgentInside, config: InvokeConfig | undefined): Promise<string | undefined> {
  if (!("getState" in graph) || typeof graph.getState !== "function") return undefined;
  try {
    const state: unknown = await graph.getState(config);
    const tasks: unknown = isObject(state) && "tasks" in state ? state.tasks : undefined;
    if (!Array.isArray(tasks)) return undefined;
    const interrupts = tasks.flatMap((task: unknown): unknown[] =>
      isObject(task) && "interrupts" in task && Array.isArray(task.interrupts) ? task.interrupts : [],
    );
    return interrupts.map(runIdOf).find((runId) => runId !== undefined);
  } catch {
    // Without a checkpoint there is nothing to go on with; the graph says so itself.
    return undefined;
  }
}

function runIdOf(interrupt: unknown): string | undefined {
  const value = isObject(interrupt) && "value" in interrupt ? interrupt.value : undefined;
  const handlebar = isObject(value) && "handlebar" in value ? value.handlebar : undefined;
  const runId = isObject(handlebar) && "runId" in handlebar ? handlebar.runId : undefined;
  return typeof runId === "string" ? runId : undefined;
}
