import type { AnyClient } from "@handlebar/core/adapter";
import { getCurrentSpan, ModelRefusalError, Runner, RunResult, tool, Usage } from "@openai/agents";
import { type Adapter, bindFramework, type GovernedRunner, type HandlebarRunnerClass } from "./lib/bind-framework.ts";
import type { CreateRunOptions, GovernedRun } from "./lib/run-options.ts";

export type { HandlebarRunnerClass } from "./lib/bind-framework.ts";
export type { CreateRunOptions, GovernedRun, GovernOptions, HandlebarOption, RunStart } from "./lib/run-options.ts";

export { recordToolError } from "./lib/tool-failure.ts";

const adapter: Adapter = bindFramework({ Runner, RunResult, ModelRefusalError, Usage, tool, getCurrentSpan });

/**
 * Gives the framework's `run`, with its types, under a client: the one changed line of a program. Each call is a run of the client's, or
 * joins the one that it is made in. It throws what the framework throws, and nothing for what policy does.
 * @throws HandlebarError `HB_RUN_CONFIG_INVALID` from the function, where `start` or `handlebar` is wrong.
 */
export const createRun: (hb: AnyClient, options?: CreateRunOptions) => GovernedRun = adapter.createRun;

/** The framework's `Runner`, under a client: `new HandlebarRunner(hb, config, options)`; its `run` is that of `createRun`. */
export const HandlebarRunner: HandlebarRunnerClass = adapter.HandlebarRunner;
export type HandlebarRunner = GovernedRunner;
