import { createRequire } from "node:module";
import { type Adapter, bindFramework, type GovernedRunner, type HandlebarRunnerClass } from "./lib/bind-framework.ts";
import type { Framework } from "./lib/framework.ts";

export type { HandlebarRunnerClass } from "./lib/bind-framework.ts";
export type { CreateRunOptions, GovernedRun, GovernOptions, HandlebarOption, RunStart } from "./lib/run-options.ts";
export { recordToolError } from "./lib/tool-failure.ts";

// A program that calls `require` has the framework's other copy, the one for `require`, and agents, states and errors of one
// copy are strangers to the other.
const framework = createRequire(import.meta.url)("@openai/agents") as Framework;
const adapter: Adapter = bindFramework(framework);

/** Gives the framework's `run`, under a client: the one changed line of a program. */
export const createRun: Adapter["createRun"] = adapter.createRun;

/** The framework's `Runner`, under a client: `new HandlebarRunner(hb, config)`. */
export const HandlebarRunner: HandlebarRunnerClass = adapter.HandlebarRunner;
export type HandlebarRunner = GovernedRunner;
