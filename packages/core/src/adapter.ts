export type {
  Actor,
  Cause,
  Decision,
  JsonObject,
  JsonValue,
  Message,
  MessagePart,
  Metrics,
  Model,
  RunStatus,
  Tool,
} from "@handlebar/protocol";
export { HandlebarError } from "@handlebar/protocol";
export type { AnyClient, AnyRun } from "./lib/adapter/any-run.ts";
export { isPending } from "./lib/adapter/is-pending.ts";
export { type JoinedRun, joinOrStartRun, resumeRun } from "./lib/adapter/join-run.ts";
export { perRun } from "./lib/adapter/per-run.ts";
export { PolicyDenied } from "./lib/adapter/policy-denied.ts";
export { logError } from "./lib/runtime-console.ts";
