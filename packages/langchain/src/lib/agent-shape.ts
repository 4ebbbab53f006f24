import { NAME } from "./middleware.ts";
import { isObject } from "./tool-shape.ts";

export interface InvokeConfig {
  readonly callbacks?: unknown;
  readonly configurable?: Readonly<Record<string, unknown>> | undefined;
  readonly context?: unknown;
  readonly runId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly version?: string | undefined;
}

/** What agents of `createAgent` and compiled graphs have in common. */
export interface AgentInside {
  invoke(input: unknown, config?: object): Promise<unknown>;
  stream(input: unknown, config?: object): Promise<object>;
  streamEvents(input: unknown, config?: object, ...rest: readonly unknown[]): unknown;
  withConfig(config: unknown): object;
}

export function isAgent(value: unknown): value is AgentInside {
  return isObject(value) && ["invoke", "stream"].every((name) => typeof Reflect.get(value, name) === "function");
}

interface Middleware {
  readonly name?: string;
  readonly wrapModelCall?: unknown;
  readonly wrapToolCall?: unknown;
}

/** An agent of `createAgent` with the options that it was made with. */
interface ReactAgentInside extends AgentInside {
  readonly options: { readonly middleware?: readonly Middleware[] | undefined; readonly tools?: readonly unknown[] };
  readonly graph: { readonly config?: unknown };
  checkpointer?: unknown;
  store?: unknown;
}

/** Whether an agent's hooks find their runs in its checkpoint. */
export function isReactAgent(agent: object): agent is ReactAgentInside {
  return "options" in agent && isObject(agent.options) && "graph" in agent && isObject(agent.graph);
}

/**
 * The agent with the middleware as its last, made by its own class, so that no second copy of LangChain is needed. One that has the
 * middleware is left as it is, and so is a graph that was built by hand.
 */
export function withMiddleware(agent: AgentInside, build: () => object): AgentInside {
  if (!isReactAgent(agent)) return agent;
  const others = agent.options.middleware ?? [];
  if (others.some(({ name }) => name === NAME)) return agent;
  const options = { ...agent.options, middleware: [...others, build()] };
  // An agent is made from its options and its graph's configuration.
  const Agent = agent.constructor as new (options: object, config: unknown) => ReactAgentInside;
  const made = new Agent(options, agent.graph.config);
  if (agent.checkpointer !== undefined) made.checkpointer = agent.checkpointer;
  if (agent.store !== undefined) made.store = agent.store;
  return made;
}

/** Whether nobody but Handlebar wraps an agent's calls. */
export function isOnlyWrapper(agent: AgentInside): boolean {
  if (!isReactAgent(agent)) return false;
  const others = (agent.options.middleware ?? []).filter(({ name }) => name !== NAME);
  return others.every((one) => one.wrapModelCall === undefined && one.wrapToolCall === undefined);
}

/** Whether other code than Handlebar, the model and the tools runs in an agent: other middleware, or the nodes of a graph. */
export function hasOthers(agent: AgentInside): boolean {
  return !isReactAgent(agent) || (agent.options.middleware ?? []).some(({ name }) => name !== NAME);
}

/** An error as the agent would throw it without middleware around its calls. */
export function unwrapped(error: unknown): unknown {
  let inner = error;
  while (isObject(inner) && "~brand" in inner && inner["~brand"] === "MiddlewareError" && "cause" in inner) {
    inner = inner.cause;
  }
  return inner ?? error;
}
