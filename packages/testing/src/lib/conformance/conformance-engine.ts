import * as engine from "@handlebar/engine";

/** What a case is run on: the functions of `@handlebar/engine`, so that another build or implementation can be put in its place. */
export type ConformanceEngine = Pick<
  typeof engine,
  | "compile"
  | "createRunState"
  | "decide"
  | "labelsOf"
  | "needs"
  | "noteCall"
  | "notePrompt"
  | "noteResult"
  | "redactMessages"
  | "redactValue"
  | "seedLabels"
  | "sharedAdds"
>;

/** The engine that this package depends on. */
export const DEFAULT_ENGINE: ConformanceEngine = engine;
