export {
  type AdapterMode,
  type AdapterSubject,
  type AgentOutcome,
  type AgentPlan,
  type AgentTool,
  type CallerResult,
  type CannotReason,
  type CodeTool,
  type ModelCall,
  type ModelRequest,
  type ModelTurn,
  type PausedAgent,
  type PlanModel,
  type PlanTool,
  RetryableModelError,
} from "./lib/adapter-contract/adapter-subject.ts";
export { type Line, type LineCall, ScriptedModel } from "./lib/adapter-contract/scripted-model.ts";
export {
  ADAPTER_CONTRACT_CASES,
  type AdapterCaseResult,
  type AdapterContract,
  type AdapterContractCase,
  type AdapterContractResults,
  adapterContract,
} from "./lib/adapter-contract.ts";
export type { RunOwner } from "./lib/approvals/adapter-attacked-agent.ts";
export { type AttackCase, approvalAttacks } from "./lib/approvals/approval-attacks.ts";
export {
  type AttackResult,
  type AttackResults,
  type AttackSuite,
  type AttackWay,
  attackSuite,
  type ClosableWorld,
  type NotPossible,
} from "./lib/approvals/attack-suite.ts";
export { type AttackWaysOptions, attackWays } from "./lib/approvals/attack-ways.ts";
export {
  ATTACK_POLICY,
  ATTACKED_TOOL,
  type AttackedAgent,
  type AttackedAgentOptions,
  type AttackWorld,
  type HandedOver,
  type ResumePayload,
} from "./lib/approvals/attacked-agent.ts";
export { AttackedTool } from "./lib/approvals/attacked-tool.ts";
export type { ConformanceFailure } from "./lib/conformance/compare-decision.ts";
export {
  type ConformanceCase,
  type ConformanceExpectation,
  type ConformanceStep,
  type ConformanceWorld,
  conformanceCaseSchema,
  conformanceFileSchema,
  conformanceJsonSchema,
} from "./lib/conformance/conformance-case.ts";
export type { ConformanceEngine } from "./lib/conformance/conformance-engine.ts";
export { type ConformanceResult, runConformanceCase } from "./lib/conformance/run-conformance-case.ts";
export { type ContractCase, ExpectationError, expectEqual } from "./lib/contract-case.ts";
export type { GrantedLease } from "./lib/control-plane/budget-ledger.ts";
export type { EventJudge, SequenceGap } from "./lib/control-plane/event-book.ts";
export { RequestProblem } from "./lib/control-plane/plane-answer.ts";
export type { KnownRun, ReceivedAck } from "./lib/control-plane/plane-log.ts";
export type { RegisteredAgent } from "./lib/control-plane/state-hub.ts";
export { createEventServer, type EventServer, type EventServerOptions } from "./lib/event-server.ts";
export { createFakeClock, type FakeClock, type FakeClockOptions, type PendingTimer } from "./lib/fake-clock.ts";
export type { FaultPlan, MsRange, NetworkFault } from "./lib/network-fault.ts";
export type { RecordedRequest } from "./lib/recorded-request.ts";
export type { ReferenceHost } from "./lib/reference/reference-condition.ts";
export { type ReferenceDecision, ReferenceEvaluator } from "./lib/reference/reference-evaluator.ts";
export { type SampleEventOptions, sampleEvent } from "./lib/sample-events.ts";
export {
  type CallOutcome,
  runScriptedAgent,
  type ScriptedAgentOptions,
  type ScriptedCall,
  type ScriptedRun,
  type ScriptedTool,
  type ScriptTurn,
  type Transcript,
} from "./lib/scripted-agent.ts";
export {
  createScriptedControlPlane,
  type ScriptedControlPlane,
  type ScriptedControlPlaneOptions,
} from "./lib/scripted-control-plane.ts";
export { createRandom, type SeededRandom } from "./lib/seeded-random.ts";
export {
  type BodyWriter,
  jsonResponse,
  readRequestText,
  type SimHandler,
  type SimRequest,
  type SimResponse,
  type StreamBody,
} from "./lib/sim-http.ts";
export { createSimIds, type SimIds } from "./lib/sim-ids.ts";
export { createSimNetwork, type SimNetwork, type SimNetworkOptions } from "./lib/sim-network.ts";
export { createSimRuntime, type LogLine, type SimRuntime, type SimRuntimeOptions } from "./lib/sim-runtime.ts";
export { type SinkContractOptions, type SinkUnderTest, sinkContract } from "./lib/sink-contract.ts";
