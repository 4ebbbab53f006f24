export { PolicyDenied } from "@handlebar/core/adapter";
export { type GovernModelOptions, type GovernToolsOptions, govern, governModel, governTools } from "./lib/govern.ts";
export { type GovernAIOptions, governAI, type StartConfig } from "./lib/govern-ai.ts";
export { type PolicyAnswer, type PolicyClient, type PolicyClientOptions, policyClient } from "./lib/policy-client.ts";
export {
  type HandlebarTelemetry,
  handlebarTelemetry,
  type ModelCallEvent,
  type TelemetryEvent,
  type ToolCallEvent,
} from "./lib/telemetry-net.ts";
export type { ApprovalsMode } from "./lib/tool-wrapper.ts";
