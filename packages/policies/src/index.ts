export type { CaseFailure, CaseResult, CaseRule, CasesReport } from "./lib/case-report.ts";
export { type FileIssue, formatIssue } from "./lib/file-issue.ts";
export { type ImportNote, importLegacyPolicies, type LegacyImport } from "./lib/import-legacy.ts";
export { parseTools } from "./lib/parse-tools.ts";
export { diffPolicies, type PolicyChangeSummary, summarisePolicyChanges } from "./lib/policy-diff.ts";
export { type PrintOptions, printPolicies } from "./lib/print-policies.ts";
export { type CasesReading, type PolicyCase, parseCases, readCases } from "./lib/read-cases.ts";
export {
  type FilePlace,
  type PolicyOrigin,
  type PolicyReading,
  parsePolicies,
  readPolicies,
} from "./lib/read-policies.ts";
export { readTrafficRow } from "./lib/replay/read-row.ts";
export {
  createReplay,
  type FeedResult,
  type Replay,
  type ReplayDecision,
  type ReplayOptions,
} from "./lib/replay/replay.ts";
export type {
  ReplayAnswers,
  ReplayChange,
  ReplayExample,
  ReplayPolicy,
  ReplayReport,
  ReplayRule,
  ReplayTally,
} from "./lib/replay/report.ts";
export type { RowReading } from "./lib/replay/row-reading.ts";
export type {
  RecordedAnswer,
  TrafficCall,
  TrafficEnd,
  TrafficLoss,
  TrafficMessage,
  TrafficModelCall,
  TrafficModelResult,
  TrafficPrompt,
  TrafficResult,
  TrafficStart,
  TrafficStep,
} from "./lib/replay/traffic.ts";
export { runPolicyCases } from "./lib/run-cases.ts";
export type { FileFormat, ReadOptions } from "./lib/source-text.ts";
