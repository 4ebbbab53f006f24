export { governAgent } from "./lib/govern-agent.ts";
export type { GovernOptions } from "./lib/govern-model.ts";
export { governModel } from "./lib/govern-model.ts";
export { governToolNode } from "./lib/govern-tool-node.ts";
export { governTools } from "./lib/govern-tools.ts";
export type { PauseRequest } from "./lib/held-batch.ts";
export { type HandlebarOptions, handlebar, type Invocation } from "./lib/middleware.ts";
