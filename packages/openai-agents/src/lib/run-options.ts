import type { RunConfig } from "@handlebar/core";
import type {
  AgentInputItem,
  NonStreamRunOptions,
  Runner,
  RunResult,
  RunState,
  StreamedRunResult,
  StreamRunOptions,
} from "@openai/agents";
import type { AnyAgent } from "./framework.ts";

/** What the run of one call of an agent is started with. */
export type RunStart = Pick<
  RunConfig,
  "actor" | "context" | "idleTtlMs" | "model" | "runId" | "runTtlMs" | "sessionId" | "tags"
>;

export interface GovernOptions {
  /** For every run, or asked for each; what a call gives is laid over it. */
  readonly start?: RunStart | (() => RunStart) | undefined;
  /**
   * What a call does that waits for a person: pause the agent as the framework does (`native`, default), with
   * `result.interruptions` and a state to go on from, or come back to the model as denied for now (`block`).
   */
  readonly approvals?: "native" | "block" | undefined;
}

export interface CreateRunOptions extends GovernOptions {
  /** The runner to govern; default: a new one with the framework's defaults. */
  readonly runner?: Runner | undefined;
}

/** The option that governed runs take beside the framework's. */
export interface HandlebarOption {
  readonly handlebar?: RunStart | undefined;
}

/** The framework's `run`, whole and with its types, and one option more. */
export interface GovernedRun {
  <TAgent extends AnyAgent, TContext = undefined>(
    agent: TAgent,
    input: string | AgentInputItem[] | RunState<TContext, TAgent>,
    options?: NonStreamRunOptions<TContext, TAgent> & HandlebarOption,
  ): Promise<RunResult<TContext, TAgent>>;
  <TAgent extends AnyAgent, TContext = undefined>(
    agent: TAgent,
    input: string | AgentInputItem[] | RunState<TContext, TAgent>,
    options?: StreamRunOptions<TContext, TAgent> & HandlebarOption,
  ): Promise<StreamedRunResult<TContext, TAgent>>;
}
