import type { Actor, Cause, JsonValue, Message, Metrics, Model, Subject, Verdict } from "@handlebar/protocol";

interface At {
  readonly runId: string;
  /** Epoch milliseconds; absent where the record has no times. */
  readonly atMs: number | undefined;
}

/** A run begins, or what a row says of the run that it belongs to. */
export interface TrafficStart extends At {
  readonly kind: "start";
  /** Told by a row of the run, not by its own start: gives way to that. */
  readonly isImplied: boolean;
  /** Told by an event, so that the run's own start should be in the record before it. */
  readonly isLate?: boolean | undefined;
  readonly agent?: { readonly slug: string; readonly tags?: readonly string[] | undefined } | undefined;
  readonly actor?: Actor | undefined;
  readonly sessionId?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly context?: JsonValue | undefined;
}

/** What the user or the developer wrote, outside of the conversation's messages. */
export interface TrafficPrompt extends At {
  readonly kind: "prompt";
  readonly text: string;
}

export interface TrafficMessage extends At {
  readonly kind: "message";
  readonly message: Message;
  readonly isIncomplete: boolean;
}

/** How a call was answered when it was recorded. */
export interface RecordedAnswer {
  readonly verdict: Verdict;
  readonly cause: Cause;
}

/** A proposed tool call. */
export interface TrafficCall extends At {
  readonly kind: "call";
  readonly callId: string;
  /** As the record has it; absent where it has none. */
  readonly step?: number | string | undefined;
  readonly tool: string;
  readonly toolKind?: string | undefined;
  readonly tags: readonly string[];
  readonly args: JsonValue;
  /** A bound was exceeded on reading the arguments: conditions on them are unknown. */
  readonly isExceeded: boolean;
  /** The arguments are not what they were: masked, cut or left out when they were recorded. */
  readonly isIncomplete: boolean;
  readonly subjects?: readonly Subject[] | undefined;
  /** Absent where nobody decided: it ran. */
  readonly recorded?: RecordedAnswer | undefined;
}

export interface TrafficResult extends At {
  readonly kind: "result";
  readonly callId: string;
  readonly tool: string;
  readonly toolKind?: string | undefined;
  readonly tags: readonly string[];
  readonly result?: JsonValue | undefined;
  readonly isExceeded: boolean;
  readonly isIncomplete: boolean;
  readonly error?: { readonly name?: string | undefined; readonly message: string } | undefined;
  readonly metrics?: Metrics | undefined;
}

/** A request to a model; its messages are those that the run has had so far. */
export interface TrafficModelCall extends At {
  readonly kind: "llm";
  readonly callId: string;
  readonly model?: Model | undefined;
  readonly recorded?: RecordedAnswer | undefined;
}

/** A model answered; the answer itself is the message that follows, if one does. */
export interface TrafficModelResult extends At {
  readonly kind: "llmResult";
  readonly callId: string;
  readonly model?: Model | undefined;
  readonly metrics?: Metrics | undefined;
  /** The answer was withheld, so that it is not in the record. */
  readonly isIncomplete: boolean;
}

/** The record itself says that events of it were lost. */
export interface TrafficLoss extends At {
  readonly kind: "lost";
  readonly count: number;
}

export interface TrafficEnd extends At {
  readonly kind: "end";
}

/** One thing that happened in recorded traffic, whatever form it was recorded in. */
export type TrafficStep =
  | TrafficStart
  | TrafficPrompt
  | TrafficMessage
  | TrafficCall
  | TrafficResult
  | TrafficModelCall
  | TrafficModelResult
  | TrafficLoss
  | TrafficEnd;
