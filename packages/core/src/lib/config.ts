import {
  type Actor,
  type Agent,
  actorSchema,
  agentSchema,
  HandlebarError,
  type HandlebarErrorCode,
  type Issue,
  idSchema,
  type JsonObject,
  type Metrics,
  type Policy,
  parseValue,
  policySchema,
  type Subject,
  type Tool,
  toolSchema,
} from "@handlebar/protocol";
import * as z from "zod";
import type { ApprovalHandler } from "./approvals.ts";
import type { PriceSource } from "./pricing.ts";
import type { Logger, Runtime } from "./runtime.ts";
import type { Sink } from "./sink.ts";
import type { StateCache } from "./state-cache.ts";

/** How much of a payload an event carries: as it is, with findings of the detectors masked, or not at all. */
export type CaptureLevel = "full" | "redacted" | "none";

export interface CaptureConfig {
  /** Default `redacted`. */
  readonly messages?: CaptureLevel | undefined;
  /** Default `redacted`. */
  readonly args?: CaptureLevel | undefined;
  /** Default `redacted`. */
  readonly results?: CaptureLevel | undefined;
}

/** What the user's own functions see of a call. */
export interface CallView<TContext = JsonObject> {
  readonly phase: "tool.before" | "tool.after" | "llm.before" | "llm.after";
  readonly runId: string;
  readonly actor: Actor | undefined;
  readonly context: TContext;
  readonly tool: { readonly name: string; readonly tags: readonly string[] } | undefined;
  readonly args: unknown;
  readonly result: unknown;
}

/** Computes a value that `signal` conditions read; may be asynchronous; a throw or a late answer is unknown. */
export type SignalFunction<TContext = JsonObject> = (call: CallView<TContext>) => unknown;

/** Answers a `custom` condition. */
export type CustomCondition<TContext = JsonObject> = (
  call: CallView<TContext>,
  args: unknown,
) => boolean | Promise<boolean>;

/** Finds the entities a call is about. */
export type SubjectExtractor<TContext = JsonObject> = (
  call: CallView<TContext>,
) => readonly Subject[] | Promise<readonly Subject[]>;

/** Measures a call beside Handlebar's own metrics; a throw leaves the metrics unmeasured. */
export type MetricFunction<TContext = JsonObject> = (call: CallView<TContext>) => Metrics | Promise<Metrics>;

export interface HandlebarConfig<TContext extends object = JsonObject> {
  /** The agent that runs here. */
  readonly agent: Agent;
  /** Whom runs act for unless they say otherwise. */
  readonly actor?: Actor | undefined;
  /** The agent's tools, as far as they are known now. */
  readonly tools?: readonly Tool[] | undefined;
  /** Policies beside those of the control plane. Files are read by `@handlebar/core/node`. */
  readonly policies?: readonly Policy[] | undefined;
  /** Default: `HANDLEBAR_API_KEY`. Without one there is no control plane. */
  readonly apiKey?: string | undefined;
  /** Default: `HANDLEBAR_API_ENDPOINT`, else `https://api.gethandlebar.com`. */
  readonly endpoint?: string | undefined;
  /** `enforce` (default); `shadow` decides and reports, and changes nothing; `off` decides nothing and records runs. */
  readonly enforceMode?: "enforce" | "shadow" | "off" | undefined;
  /** What happens when something needed is out of reach: go on (false, default) or block. */
  readonly failClosed?: boolean | undefined;
  /** Keeps the last good state over restarts, for starts while the control plane is out of reach: `fileStateCache` of `@handlebar/core/node`. Default: nothing is kept. */
  readonly stateCache?: StateCache | undefined;
  /** Where decisions are made: here (default), or by the control plane for every call. */
  readonly evaluation?: "local" | "remote" | undefined;
  /** Where events go. Default: the control plane when there is a key, else nowhere. */
  readonly sinks?: readonly Sink[] | undefined;
  /** Shared by every run; a run's own context is laid over it. Must be plain data. */
  readonly context?: Partial<TContext> | undefined;
  readonly capture?: CaptureConfig | undefined;
  readonly metrics?: MetricFunction<TContext> | undefined;
  readonly subjects?: SubjectExtractor<TContext> | undefined;
  readonly signals?: Readonly<Record<string, SignalFunction<TContext>>> | undefined;
  readonly customConditions?: Readonly<Record<string, CustomCondition<TContext>>> | undefined;
  /** Answers held calls where there is no control plane. */
  readonly onApproval?: ApprovalHandler | undefined;
  /** How long `beforeTool` waits for a person, in milliseconds. Default 0: answer at once, `HITL_PENDING`. */
  readonly approvalWaitMs?: number | undefined;
  /** Prices of models; laid over the built-in list. */
  readonly prices?: PriceSource | undefined;
  /** Default: warnings and errors on the console. */
  readonly logger?: Logger | undefined;
  /** Replaces parts of the outside world: clock, timers, ids, randomness, network. For tests and unusual hosts. */
  readonly runtime?: Partial<Runtime> | undefined;
  /** How long the first hook waits for the control plane, in milliseconds. Default 3000. */
  readonly initTimeoutMs?: number | undefined;
  /** Deadline of one request to the control plane, in milliseconds. Default 5000. */
  readonly requestTimeoutMs?: number | undefined;
  /** Without contact for longer, the state counts as stale, in milliseconds. Default 300,000. */
  readonly staleAfterMs?: number | undefined;
  /** Deadline of one user function (signal, extractor, metric, custom), in milliseconds. Default 1000. */
  readonly userFunctionTimeoutMs?: number | undefined;
  /** A run that was not ended closes after this, in milliseconds. Default 86,400,000 (a day). */
  readonly runTtlMs?: number | undefined;
  /** A run without a hook closes after this, in milliseconds. Default 3,600,000 (an hour). */
  readonly idleTtlMs?: number | undefined;
  /** Also deliver events on SIGTERM and SIGINT before they do what they do. Default false: signals are the program's. */
  readonly handleSignals?: boolean | undefined;
  /** Longest that `run.end` and `shutdown` wait for events to be delivered, in milliseconds. Default 5000. */
  readonly flushTimeoutMs?: number | undefined;
}

/** A configuration with every default filled in. */
export interface ResolvedConfig<TContext extends object> {
  readonly agent: Agent;
  readonly actor: Actor | undefined;
  readonly tools: readonly Tool[];
  readonly policies: readonly Policy[];
  readonly apiKey: string | undefined;
  readonly endpoint: string;
  readonly enforceMode: "enforce" | "shadow" | "off";
  readonly failClosed: boolean;
  readonly evaluation: "local" | "remote";
  readonly stateCache: StateCache | undefined;
  readonly sinks: readonly Sink[] | undefined;
  readonly context: Partial<TContext>;
  readonly capture: Required<{ readonly [K in keyof CaptureConfig]-?: CaptureLevel }>;
  readonly metrics: MetricFunction<TContext> | undefined;
  readonly subjects: SubjectExtractor<TContext> | undefined;
  readonly signals: Readonly<Record<string, SignalFunction<TContext>>>;
  readonly customConditions: Readonly<Record<string, CustomCondition<TContext>>>;
  readonly onApproval: ApprovalHandler | undefined;
  readonly approvalWaitMs: number;
  readonly prices: PriceSource | undefined;
  readonly initTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly staleAfterMs: number;
  readonly userFunctionTimeoutMs: number;
  readonly runTtlMs: number;
  readonly idleTtlMs: number;
  readonly flushTimeoutMs: number;
  readonly handleSignals: boolean;
}

const durationMs = z.number().min(0).max(2_147_483_647);
const fn = z.custom<(...args: never[]) => unknown>((value) => typeof value === "function", "must be a function");
const level = z.enum(["full", "redacted", "none"]);
const sink = z.custom<Sink>(
  (value) => typeof value === "object" && value !== null && "write" in value && typeof value.write === "function",
  "must be a sink: an object with a `write` function",
);
const stateCache = z.custom<StateCache>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    ["load", "save", "flush"].every((name) => typeof Reflect.get(value, name) === "function"),
  "must be a state cache: an object with `load`, `save` and `flush`",
);
const plainObject = z.custom<object>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "must be an object",
);

const configSchema = z.strictObject({
  agent: agentSchema,
  actor: actorSchema.optional(),
  tools: z.array(toolSchema).max(1000).optional(),
  policies: z.array(policySchema).max(1000).optional(),
  apiKey: z.string().min(1).max(1024).optional(),
  endpoint: z.url({ protocol: /^https?$/, message: "must be an http or https URL" }).optional(),
  enforceMode: z.enum(["enforce", "shadow", "off"]).optional(),
  failClosed: z.boolean().optional(),
  evaluation: z.enum(["local", "remote"]).optional(),
  stateCache: stateCache.optional(),
  sinks: z.array(sink).max(32).optional(),
  context: plainObject.optional(),
  capture: z.strictObject({ messages: level.optional(), args: level.optional(), results: level.optional() }).optional(),
  metrics: fn.optional(),
  subjects: fn.optional(),
  signals: z.record(idSchema, fn).optional(),
  customConditions: z.record(idSchema, fn).optional(),
  onApproval: fn.optional(),
  approvalWaitMs: durationMs.optional(),
  prices: fn.optional(),
  logger: plainObject.optional(),
  runtime: plainObject.optional(),
  initTimeoutMs: durationMs.optional(),
  requestTimeoutMs: durationMs.min(1).optional(),
  staleAfterMs: durationMs.optional(),
  userFunctionTimeoutMs: durationMs.min(1).optional(),
  runTtlMs: durationMs.min(1).optional(),
  idleTtlMs: durationMs.min(1).optional(),
  flushTimeoutMs: durationMs.optional(),
  handleSignals: z.boolean().optional(),
});

const DEFAULT_ENDPOINT = "https://api.gethandlebar.com";

/**
 * Checks a configuration and fills in defaults: option, then environment, then default.
 * @throws HandlebarError `HB_CONFIG_INVALID` or `HB_CONFIG_UNKNOWN_FIELD`, naming every wrong field at once;
 * `HB_POLICY_INVALID` where only `policies` are wrong.
 */
export function resolveConfig<TContext extends object>(
  config: HandlebarConfig<TContext>,
  runtime: Runtime,
): ResolvedConfig<TContext> {
  const parsed = parseValue(configSchema, withoutUndefined(config));
  if (!parsed.ok) throw configError(parsed.issues);
  const endpoint = config.endpoint ?? runtime.env("HANDLEBAR_API_ENDPOINT") ?? DEFAULT_ENDPOINT;
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
    throw new HandlebarError(
      "HB_CONFIG_INVALID",
      `HANDLEBAR_API_ENDPOINT: \`${endpoint}\` is not an http or https URL; correct the variable or pass \`endpoint\``,
      { field: "endpoint" },
    );
  }
  const apiKey = config.apiKey ?? runtime.env("HANDLEBAR_API_KEY");
  return {
    agent: parsed.value.agent,
    actor: parsed.value.actor,
    tools: parsed.value.tools ?? [],
    policies: parsed.value.policies ?? [],
    apiKey: apiKey === "" ? undefined : apiKey,
    endpoint: endpoint.replace(/\/+$/, ""),
    enforceMode: config.enforceMode ?? "enforce",
    failClosed: config.failClosed ?? false,
    evaluation: config.evaluation ?? "local",
    stateCache: config.stateCache,
    sinks: config.sinks,
    context: config.context ?? {},
    capture: {
      messages: config.capture?.messages ?? "redacted",
      args: config.capture?.args ?? "redacted",
      results: config.capture?.results ?? "redacted",
    },
    metrics: config.metrics,
    subjects: config.subjects,
    signals: config.signals ?? {},
    customConditions: config.customConditions ?? {},
    onApproval: config.onApproval,
    approvalWaitMs: config.approvalWaitMs ?? 0,
    prices: config.prices,
    initTimeoutMs: config.initTimeoutMs ?? 3000,
    requestTimeoutMs: config.requestTimeoutMs ?? 5000,
    staleAfterMs: config.staleAfterMs ?? 300_000,
    userFunctionTimeoutMs: config.userFunctionTimeoutMs ?? 1000,
    runTtlMs: config.runTtlMs ?? 86_400_000,
    idleTtlMs: config.idleTtlMs ?? 3_600_000,
    flushTimeoutMs: config.flushTimeoutMs ?? 5000,
    handleSignals: config.handleSignals ?? false,
  };
}

type Issues = readonly Issue[];

/** One error for all the issues, with every one in its message. */
export function configError(
  issues: Issues,
  options: { readonly what: string; readonly code?: HandlebarErrorCode } = { what: "config" },
): HandlebarError {
  const lines = issues.map((issue) => `\`${issue.path === "" ? options.what : issue.path}\` ${issue.message}`);
  return new HandlebarError(options.code ?? codeFor(issues), lines.join("; "), {
    field: issues[0]?.path,
    details: { issues },
  });
}

function codeFor(issues: Issues): HandlebarErrorCode {
  if (issues.every((issue) => issue.keys[0] === "policies")) return "HB_POLICY_INVALID";
  if (issues.every((issue) => issue.unknownField === true)) return "HB_CONFIG_UNKNOWN_FIELD";
  return "HB_CONFIG_INVALID";
}

function withoutUndefined(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined));
}
