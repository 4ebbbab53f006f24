import type { Decision, Message, Metrics, Model } from "@handlebar/protocol";
import type { Usage } from "./pricing.ts";

/** One proposed tool call. */
export interface ToolCall<TArgs = unknown> {
  readonly name: string;
  readonly args: TArgs;
  /** The framework's or model's id of the call. Default: a new one. Ids may repeat; each call is decided on its own. */
  readonly callId?: string | undefined;
  /** Tags known only here; added to those the tool was registered with. */
  readonly tags?: readonly string[] | undefined;
  readonly kind?: string | undefined;
  /** How long to wait for a person if the call is held, in milliseconds. Default: the client's `approvalWaitMs`. */
  readonly approvalWaitMs?: number | undefined;
}

/** What a call came to. */
export interface ToolOutcome<TResult = unknown> {
  readonly result?: TResult | undefined;
  /** What the tool threw, or its text; present means that it failed. */
  readonly error?: unknown;
  /** Default: measured since `beforeTool` answered. */
  readonly durationMs?: number | undefined;
  /** Metrics that only the caller knows; laid over Handlebar's. */
  readonly metrics?: Metrics | undefined;
}

/** The decision on a proposed call, with the arguments to run it with. */
export interface ToolDecision<TArgs = unknown> extends Decision {
  readonly callId: string;
  readonly name: string;
  /** The same arguments, redacted where policy says so. */
  readonly args: TArgs;
  readonly tags: readonly string[];
  readonly kind?: string | undefined;
}

/** The decision on what a tool returned, with the result to hand to the model. */
export interface ToolResultDecision<TResult = unknown> extends Decision {
  /** The same result, redacted where policy says so; `undefined` when it is withheld (`BLOCK`) or there is none. */
  readonly result: TResult | undefined;
}

/** One request to a model. */
export interface LlmRequest {
  /** The whole conversation as it goes to the model; what was recorded before is not recorded again. */
  readonly messages: readonly Message[];
  readonly model?: Model | undefined;
  readonly callId?: string | undefined;
}

/** What a model answered. */
export interface LlmResponse {
  readonly response?: Message | undefined;
  readonly usage?: Usage | undefined;
  readonly model?: Model | undefined;
  /** The id that `beforeLlm` gave. */
  readonly callId?: string | undefined;
  readonly error?: unknown;
  /** Default: measured since `beforeLlm` answered. */
  readonly durationMs?: number | undefined;
}

/** The decision on a request, with the messages to send. */
export interface LlmDecision extends Decision {
  readonly callId: string;
  /** The same messages, redacted where policy says so. */
  readonly messages: readonly Message[];
}

/** The decision on a response, with what may go on. */
export interface LlmResponseDecision extends Decision {
  /** The same message, redacted where policy says so; `undefined` when it is withheld (`BLOCK`) or there is none. */
  readonly response: Message | undefined;
}

/** What `run.tool` did: the call ran, or it was blocked before (or its result withheld after) with a decision that says why. */
export type ToolRun<TResult> =
  | { readonly status: "done"; readonly result: TResult; readonly decision: Decision }
  | { readonly status: "blocked"; readonly decision: Decision };
