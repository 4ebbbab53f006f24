import type { HandlebarClient, RunConfig, Usage } from "@handlebar/core";
import type { JsonObject, JsonValue, Message } from "@handlebar/protocol";

/**
 * One adapter on one version of its framework, as the contract suite drives it: how to build an agent with a scripted model
 * and tools there, run it in each way that the framework has, and tell what the caller was handed.
 */
export interface AdapterSubject {
  /** The adapter's folder, such as `ai-sdk`. */
  readonly adapter: string;
  /** The framework and its version, such as `ai 7.0.173`. */
  readonly framework: string;
  /** Every way to run an agent; each case runs in each of them that it fits. */
  readonly modes: readonly AdapterMode[];
  /**
   * Builds the plan's agent in the framework, governed by `plan.hb` as a user would (the adapter starts and ends the run), and runs it.
   * Never rejects for what the agent does: what the framework throws at its caller is `status: "failed"` with the very error.
   */
  run(plan: AgentPlan): Promise<AgentOutcome>;
  /** Goes on with a paused agent, with objects made anew from `plan` and nothing kept but `paused.state`: as in another process. */
  resume?(plan: AgentPlan, paused: PausedAgent): Promise<AgentOutcome>;
  /** A second copy of `@handlebar/core`, loaded anew. */
  secondCopyOfCore?(): Promise<{ getCurrentRun(): { readonly runId: string } | undefined }>;
  /** Cases that the framework makes impossible, by case id. */
  readonly cannot?: Readonly<Record<string, CannotReason>> | undefined;
}

/** Why a case does not hold. Where the case can be run, it is run and must fail: the day it passes, the entry has to go. */
export interface CannotReason {
  readonly reason: string;
  /** The framework's own issue, such as `vercel/ai#15842`. */
  readonly issue?: string | undefined;
  /** `fails` (default): the case is run and fails. `absent`: the framework has nothing of the kind, and the case is not run. */
  readonly kind?: "fails" | "absent" | undefined;
  /** The modes that this is true of. Default: all that the case fits. */
  readonly modes?: readonly string[] | undefined;
}

/** One way to run an agent: a function or method of the framework and how what it gives is consumed. */
export interface AdapterMode {
  /** As a user of the framework would call it: `streamText().textStream`. */
  readonly name: string;
  /** The caller gets text in pieces, as it comes. */
  readonly streams: boolean;
  /** What the mode can do beyond the least. */
  readonly can?: {
    /** A stream that is never read starts all the same. Default false. */
    readonly runUnread?: boolean | undefined;
    /** The mode hands tool results to the caller, so that `AgentOutcome.results` is filled. Default true. */
    readonly showResults?: boolean | undefined;
    /** Held calls pause the agent and `resume` goes on in this mode. Default false. */
    readonly pause?: boolean | undefined;
    /** An agent can be a tool's code in this mode. Default true. */
    readonly nest?: boolean | undefined;
  };
}

/** An agent to build and run. */
export interface AgentPlan {
  readonly mode: AdapterMode;
  /** The client that governs it; absent: the framework alone, to compare with. */
  readonly hb: HandlebarClient | undefined;
  /** For the run that the adapter starts: actor, session, tags. */
  readonly start: Pick<RunConfig, "actor" | "sessionId" | "tags">;
  readonly model: PlanModel;
  readonly tools: readonly PlanTool[];
  readonly system: string | undefined;
  readonly prompt: string;
  /** What a held call does: come back blocked, or pause the agent in the framework's own way. */
  readonly approvals: "block" | "native";
  /** The caller's abort signal, given where the framework takes one. */
  readonly signal: AbortSignal | undefined;
  /** What the caller of a stream does: read all, leave after the first piece, or never read. */
  readonly consume: "all" | "break" | "never";
  /** The framework's own bound of steps. */
  readonly stepCountMax: number;
  /** How often the framework asks the model again when `answer` throws a `RetryableModelError`. */
  readonly retryCount: number;
  /** Govern tools and model a second time, as when two parts of a program each do. */
  readonly governTwice: boolean;
}

/** The provider behind the framework's model interface. */
export interface PlanModel {
  /**
   * Called once for each request that reaches the provider, with what the provider would see. Gives the answer, or throws what
   * the provider would: the subject turns it into the framework's form and leaves the error as it is (a `RetryableModelError`
   * becomes an error that the framework retries at once).
   */
  answer(request: ModelRequest): Promise<ModelTurn>;
}

export interface ModelRequest {
  /** In order, system text included as a message of role `system`. Tool errors are tool results with `isError`. */
  readonly messages: readonly Message[];
  /** Names of the tools that the model was offered. */
  readonly tools: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** What the model says to one request. */
export interface ModelTurn {
  /** The text in the pieces in which it is streamed; joined where nothing is. Empty: no text. */
  readonly chunks: readonly string[];
  readonly calls: readonly ModelCall[];
  readonly usage: Usage;
  /** A stream fails with this after the chunks; where nothing is streamed the request fails with it. */
  readonly failsAfter?: Error | undefined;
}

export interface ModelCall {
  readonly callId: string;
  readonly tool: string;
  readonly args: JsonValue & object;
}

/** An error of the provider after which the framework may ask again; see `AgentPlan.retryCount`. */
export class RetryableModelError extends Error {
  override readonly name = "RetryableModelError";
}

/** A tool of the plan: code, or an agent of the same framework and mode that the tool's code runs under the same client. */
export type PlanTool = CodeTool | AgentTool;

export interface CodeTool {
  readonly name: string;
  readonly tags: readonly string[];
  /** The tool takes any object. The signal is the one that the framework and adapter give to the tool's code. */
  execute(args: Readonly<Record<string, JsonValue>>, options: { readonly signal: AbortSignal | undefined }): unknown;
}

export interface AgentTool {
  readonly name: string;
  readonly tags: readonly string[];
  /** The inner agent; its text is the tool's result. Its prompt is `args.prompt`. */
  readonly agent: {
    readonly model: PlanModel;
    readonly tools: readonly PlanTool[];
    readonly system: string | undefined;
  };
}

/** What became of the agent, as its caller saw it. */
export interface AgentOutcome {
  /** `left`: the caller did not read the stream to its end. */
  readonly status: "done" | "failed" | "paused" | "left";
  /** The final text; empty where there is none. */
  readonly text: string;
  /** What the framework threw at its caller, or gave as the stream's error: the very object where the framework keeps it. */
  readonly error?: unknown;
  /** The pieces of text that the caller of a stream got, in order; empty where nothing is streamed. */
  readonly chunks: readonly string[];
  /** Tool results that the caller was handed, in order. */
  readonly results: readonly CallerResult[];
  /** Everything that the caller was handed, as text: the whole result, every stream part. Searched for what must not be there. */
  readonly seen: string;
  readonly paused?: PausedAgent | undefined;
}

export interface CallerResult {
  readonly callId: string;
  readonly tool: string;
  /** `failed`: the framework marks it as an error or a denial. */
  readonly status: "done" | "failed";
  /** The tool's output for `done`, as the tool returned it where the framework keeps it. */
  readonly result?: unknown;
}

/** An agent that waits for a person, as the framework keeps it. */
export interface PausedAgent {
  /** JSON or text that a program would store. */
  readonly state: string;
  /** The held calls. */
  readonly callIds: readonly string[];
  /** Gives the state as a client that claims that every held call was approved would send it. */
  approvedByCaller(): PausedAgent;
  /** Gives the state as a client that wants every held call made with these arguments would send it; absent: there is no such state. */
  withArgs?(args: JsonObject): PausedAgent;
}
