import { getCurrentSpan, ModelRefusalError, Runner, RunResult, tool, Usage } from "@openai/agents";
import { type Adapter, bindFramework, type GovernedRunner, type HandlebarRunnerClass } from "./lib/bind-framework.ts";

export type { HandlebarRunnerClass } from "./lib/bind-framework.ts";
export type { CreateRunOptions, GovernedRun, GovernOptions, HandlebarOption, RunStart } from "./lib/run-options.ts";

export { recordToolError } from "./lib/tool-failure.ts";

const adapter: Adapter = bindFramework({ Runner, RunResult, ModelRefusalError, Usage, tool, getCurrentSpan });

/** Gives the framework's `run`, under a client: the one changed line of a program. */
export const createRun: Adapter["createRun"] = adapter.createRun;

/** The framework's `Runner`, under a client: `new HandlebarRunner(hb, config)`. */
export const HandlebarRunner: HandlebarRunnerClass = adapter.HandlebarRunner;
export type HandlebarRunner = GovernedRunner;
