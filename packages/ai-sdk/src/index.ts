export { PolicyDenied } from "@handlebar/core/adapter";
export { type GovernModelOptions, type GovernToolsOptions, govern, governModel, governTools } from "./lib/govern.ts";
export { type GovernAIOptions, governAI, type StartConfig } from "./lib/govern-ai.ts";
export type { ApprovalsMode } from "./lib/tool-wrapper.ts";
