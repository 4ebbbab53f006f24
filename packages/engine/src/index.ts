export { canChange } from "./lib/can-change.ts";
export { canonicalJson } from "./lib/canonical-json.ts";
export { type CompileOptions, compile } from "./lib/compile.ts";
export { createRunState, restoreRunState, snapshotRunState } from "./lib/create-run-state.ts";
export { decide } from "./lib/decide.ts";
export { detect } from "./lib/detectors/detect.ts";
export { maskText } from "./lib/detectors/mask.ts";
export { scanValue } from "./lib/detectors/scan-value.ts";
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
export { inheritRunState, joinRunState, labelsOf, seedLabels } from "./lib/flow/session-labels.ts";
export { SessionLabels } from "./lib/flow/session-store.ts";
export { budgetKeyText, LocalWindows } from "./lib/local-windows.ts";
export { endsRun, findLockdown } from "./lib/lockdown.ts";
export { insteadPart } from "./lib/message-text.ts";
export { needs, readsMetrics } from "./lib/needs.ts";
export { noteCall, notePrompt, noteResult } from "./lib/note.ts";
export type { PolicySet } from "./lib/policy-set.ts";
export { promptTextOf } from "./lib/prompt-text.ts";
export { readsRunState } from "./lib/reads-run-state.ts";
export { redactMessage, redactMessages } from "./lib/redact/redact-messages.ts";
export { redactValue } from "./lib/redact/redact-value.ts";
export type { RedactionResult, RedactOptions } from "./lib/redact/redaction.ts";
export { reservationIdOf } from "./lib/reservation-id.ts";
export type { RunState } from "./lib/run-state.ts";
export { isFaithful, toPlain } from "./lib/safe-json.ts";
export { type SharedAdd, sharedAdds } from "./lib/shared-adds.ts";
export { createWindowStore, type WindowKey, type WindowStore } from "./lib/window-store.ts";
