export { compile, type CompileOptions } from "./lib/compile.ts";
export { decide } from "./lib/decide.ts";
export {
  type AgentFacts,
  type ApprovalFact,
  type CallFacts,
  type Facts,
  type LlmFacts,
  type Needs,
  type RunFacts,
  type SharedNeed,
  type SharedReading,
  type SharedReadings,
  type ToolFacts,
  UNKNOWN,
  type Unknown,
} from "./lib/facts.ts";
export { needs } from "./lib/needs.ts";
export { noteCall, noteResult } from "./lib/note.ts";
export { type PolicySet } from "./lib/policy-set.ts";
export { type RunState } from "./lib/run-state.ts";
export { type SharedAdd, sharedAdds } from "./lib/shared-adds.ts";
