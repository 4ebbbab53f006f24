import {
  type AgentFacts,
  type CallFacts,
  type Facts,
  type LlmFacts,
  type Needs,
  type RunFacts,
  UNKNOWN,
  type Unknown,
} from "@handlebar/engine";
import { type CheckFacts, effectiveTags, type JsonValue, type Lockdown, type Tool } from "@handlebar/protocol";

/** What the server knows beside what it is told of a call. */
export interface CheckWorld {
  readonly nowMs: number;
  readonly agent: AgentFacts;
  readonly tools: readonly Tool[];
  readonly lockdowns: readonly Lockdown[];
  readonly failClosed: boolean;
  readonly enforceMode: "enforce" | "shadow";
  /** The call's id; one of the server's where the client gives none. */
  readonly callId: string;
}

/** The facts of one call, without what `needs` asks for. */
export function factsOf(
  given: CheckFacts,
  world: CheckWorld,
  run: Pick<RunFacts, "startedAtMs" | "status" | "state">,
): Facts {
  const { agent, nowMs, lockdowns, failClosed, enforceMode } = world;
  return {
    phase: given.phase,
    nowMs,
    agent,
    actor: given.actor,
    run: {
      runId: given.runId,
      sessionId: given.sessionId,
      startedAtMs: run.startedAtMs,
      status: run.status,
      tags: given.runTags ?? {},
      context: given.context ?? {},
      state: run.state,
    },
    call: isLlm(given) ? undefined : callOf(given, world),
    llm: isLlm(given) ? llmOf(given, world) : undefined,
    metrics: given.metrics,
    lockdowns,
    failClosed,
    enforceMode,
  };
}

/** What the client's own functions said, as far as `needs` asks for it. */
export function hostFactsOf(given: CheckFacts, needs: Needs): Pick<Facts, "subjects" | "signals" | "customs"> {
  const { subjects, signals = {}, customs = {}, failed } = given;
  const signalOf = (name: string): JsonValue | Unknown | undefined => {
    if (failed?.signals?.includes(name) === true) return UNKNOWN;
    return Object.hasOwn(signals, name) ? signals[name] : undefined;
  };
  const answerOf = (key: string): boolean | undefined => (Object.hasOwn(customs, key) ? customs[key] : undefined);
  return {
    subjects: failed?.subjects === true ? UNKNOWN : subjects,
    signals: new Map(needs.signals.map((name) => [name, signalOf(name)])),
    customs: new Map(needs.customs.map(({ key }) => [key, answerOf(key) ?? UNKNOWN])),
  };
}

function isLlm({ phase }: Pick<CheckFacts, "phase">): boolean {
  return phase === "llm.before" || phase === "llm.after";
}

export function isAfter({ phase }: Pick<CheckFacts, "phase">): boolean {
  return phase === "tool.after" || phase === "llm.after";
}

/** A tool has the tags that it was registered with, and those that only the caller knows. */
function callOf(given: CheckFacts, { tools, callId }: CheckWorld): CallFacts | undefined {
  const { tool } = given;
  if (tool === undefined) return undefined;
  const known = tools.find(({ name }) => name === tool.name);
  const tags = known === undefined ? (tool.tags ?? []) : [...new Set([...effectiveTags(known), ...(tool.tags ?? [])])];
  return {
    callId,
    tool: { name: tool.name, tags, kind: tool.kind ?? known?.kind },
    args: given.args ?? {},
    argsExceeded: given.argsExceeded,
    result: given.result,
    resultExceeded: given.resultExceeded,
    error: given.error,
    durationMs: given.durationMs,
  };
}

function llmOf(given: CheckFacts, { callId }: CheckWorld): LlmFacts {
  const { phase, model, messages } = given;
  const said = phase === "llm.after" ? { response: messages?.at(-1) } : { messages };
  return { callId, model, ...said };
}
