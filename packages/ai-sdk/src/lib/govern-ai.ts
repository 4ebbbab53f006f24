import type { HandlebarClient, RunConfig } from "@handlebar/core";
import type { AnyClient, JsonObject } from "@handlebar/core/adapter";
import { SdkGovernor } from "./sdk-governor.ts";
import type { ApprovalsMode } from "./tool-wrapper.ts";

/** What a run is started with that a call of the SDK starts. */
export type StartConfig<TContext extends object = never> = Pick<
  RunConfig<TContext>,
  "actor" | "sessionId" | "tags" | "context" | "runTtlMs" | "idleTtlMs"
>;

export interface GovernAIOptions<TContext extends object = JsonObject> {
  /** Tags by tool name, for every call. */
  readonly tags?: Readonly<Record<string, readonly string[]>> | undefined;
  /** What a held call does: see `GovernToolsOptions.approvals`. Default `block`. */
  readonly approvals?: ApprovalsMode | undefined;
  /** For each run that is started: for whom, in which session. A function is asked at every start. */
  readonly start?: StartConfig<TContext> | (() => StartConfig<TContext>) | undefined;
}

/**
 * The whole AI SDK under policy, with its own names and types:
 *
 * ```ts
 * import * as ai from "ai";
 * const { generateText, streamText, ToolLoopAgent } = governAI(ai, hb);
 * ```
 *
 * Each call of `generateText`, `streamText`, `generateObject`, `streamObject` or an agent is a run, started and ended with it; a call
 * inside a run (`withRun`, or a tool of another agent) joins that one. Everything else of the SDK is handed on as it is.
 */
export function governAI<TSdk extends object, TContext extends object = JsonObject>(
  ai: TSdk,
  hb: HandlebarClient<TContext>,
  options: GovernAIOptions<TContext> = {},
): TSdk {
  const client: AnyClient = hb;
  // A run's context has the client's type, which nothing here looks at.
  const start = options.start as StartConfig | (() => StartConfig) | undefined;
  const governor = new SdkGovernor(client, ai, { ...options, start });
  return { ...ai, ...governor.replacements() };
}
