import type { Actor, JsonValue, Message, Metrics } from "@handlebar/protocol";

/** One thing that happened in recorded traffic, whatever form it was recorded in. */
export type TrafficStep =
  | {
      readonly kind: "start";
      readonly runId: string;
      readonly atMs: number | undefined;
      readonly agent?: { readonly slug: string; readonly tags?: readonly string[] | undefined } | undefined;
      readonly actor?: Actor | undefined;
      readonly sessionId?: string | undefined;
      readonly tags?: Readonly<Record<string, string>> | undefined;
      readonly context?: JsonValue | undefined;
    }
  | { readonly kind: "prompt"; readonly runId: string; readonly atMs: number | undefined; readonly text: string }
  | {
      readonly kind: "call";
      readonly runId: string;
      readonly atMs: number | undefined;
      readonly callId: string;
      readonly tool: string;
      readonly tags: readonly string[];
      readonly args: JsonValue;
      /** How it was answered when it was recorded; absent where nobody decided: it ran. */
      readonly verdict?: "ALLOW" | "BLOCK" | undefined;
    }
  | {
      readonly kind: "result";
      readonly runId: string;
      readonly atMs: number | undefined;
      readonly callId: string;
      readonly tool: string;
      readonly tags: readonly string[];
      readonly result?: JsonValue | undefined;
      readonly error?: { readonly name?: string | undefined; readonly message: string } | undefined;
      readonly metrics?: Metrics | undefined;
    }
  | {
      readonly kind: "llm";
      readonly runId: string;
      readonly atMs: number | undefined;
      readonly callId: string;
      readonly messages: readonly Message[];
      readonly verdict?: "ALLOW" | "BLOCK" | undefined;
    }
  | {
      readonly kind: "llmResult";
      readonly runId: string;
      readonly atMs: number | undefined;
      readonly callId: string;
      readonly metrics?: Metrics | undefined;
    }
  | { readonly kind: "end"; readonly runId: string; readonly atMs: number | undefined };
