import type * as agents from "@openai/agents";

/** What the adapter uses of the framework at run time; passed in, so that it is always the copy that the program uses. */
export interface Framework {
  readonly Runner: typeof agents.Runner;
  readonly RunResult: typeof agents.RunResult;
  readonly ModelRefusalError: typeof agents.ModelRefusalError;
  readonly Usage: typeof agents.Usage;
  readonly tool: typeof agents.tool;
  readonly getCurrentSpan: typeof agents.getCurrentSpan;
}

/** The framework's agent of any context and output, as its own signatures have it. */
export type AnyAgent = Parameters<agents.Runner["run"]>[0];
/** What interrupts a run, and the state that it goes on from, of any context and output. */
export type AnyState = Pick<
  agents.RunState<unknown, AnyAgent>,
  "getInterruptions" | "approve" | "reject" | "toString" | "_modelResponses" | "_context" | "_lastProcessedResponse"
>;
