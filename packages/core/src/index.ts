export { getCurrentRun, withRun } from "./lib/als.ts";
export type { ApprovalHandler } from "./lib/approvals.ts";
export { type ClientStatus, Handlebar, type HandlebarClient } from "./lib/client.ts";
export type {
  CallView,
  CaptureConfig,
  CaptureLevel,
  CustomCondition,
  HandlebarConfig,
  MetricFunction,
  SignalFunction,
  SubjectExtractor,
} from "./lib/config.ts";
export { type FingerprintSubject, fingerprint } from "./lib/fingerprint.ts";
export type {
  LlmDecision,
  LlmRequest,
  LlmResponse,
  LlmResponseDecision,
  ToolCall,
  ToolDecision,
  ToolOutcome,
  ToolResultDecision,
  ToolRun,
} from "./lib/hook-types.ts";
export type { PriceSource, Usage } from "./lib/pricing.ts";
export type { ExecuteOptions, Run } from "./lib/run.ts";
export type { RunConfig, RunSnapshot } from "./lib/run-config.ts";
export type { FetchInit, FetchLike, Logger, Runtime, Timer } from "./lib/runtime.ts";
export type { Sink } from "./lib/sink.ts";
export type { CachedState, StateCache, StateScope } from "./lib/state-cache.ts";
export { type DefinedTool, defineTool, type ToolMarks, toolMarks, wrapTool } from "./lib/tools.ts";
