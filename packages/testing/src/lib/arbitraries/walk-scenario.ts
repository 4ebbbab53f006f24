import { type Facts, type RunState, UNKNOWN } from "@handlebar/engine";
import type { JsonValue } from "@handlebar/protocol";
import type { Scenario, ScenarioHost, ScenarioStep } from "./scenario-arbitraries.ts";

/** Who takes part in a scenario: decides, and is told what happens. */
export interface ScenarioPlayer {
  prompt(text: string): void;
  /** Decides one phase of a call; answers whether it goes on. */
  ask(facts: Facts, host: ScenarioHost): boolean;
}

/** Plays a scenario step by step. A call that does not go on does not end. */
export function walkScenario(scenario: Scenario, state: RunState, player: ScenarioPlayer): void {
  let nowMs = scenario.startedAtMs;
  scenario.steps.forEach((step, at) => {
    nowMs += step.waitMs;
    if (step.kind === "prompt") {
      player.prompt(step.text);
      return;
    }
    const callId = `c${at}`;
    const before = beforeFacts(step, callId);
    const goesOn = player.ask({ ...common(scenario, state, { step, nowMs }), ...before }, step.host);
    const after = afterFacts(step, callId);
    if (!goesOn || after === undefined) return;
    nowMs += step.tookMs ?? 0;
    player.ask({ ...common(scenario, state, { step, nowMs }), metrics: step.metrics, ...after }, step.host);
  });
}

type Call = Exclude<ScenarioStep, { readonly kind: "prompt" }>;

function beforeFacts(step: Call, callId: string): Pick<Facts, "phase" | "call" | "llm"> {
  if (step.kind === "llm") return { phase: "llm.before", llm: { callId, messages: step.messages } };
  return { phase: "tool.before", call: { callId, tool: step.tool, args: step.args } };
}

function afterFacts(step: Call, callId: string): Pick<Facts, "phase" | "call" | "llm"> | undefined {
  if (step.kind === "llm") {
    return step.ends ? { phase: "llm.after", llm: { callId, response: step.response } } : undefined;
  }
  const { tool, args, end, tookMs } = step;
  if (end === undefined) return undefined;
  const outcome = "error" in end ? { error: { message: end.error } } : end;
  return { phase: "tool.after", call: { callId, tool, args, durationMs: tookMs, ...outcome } };
}

function common(
  scenario: Scenario,
  state: RunState,
  { step, nowMs }: { readonly step: Call; readonly nowMs: number },
): Omit<Facts, "phase" | "call" | "llm"> {
  const { agent, actor, sessionId, tags, context, startedAtMs, status, failClosed, enforceMode } = scenario;
  const { host } = step;
  const signals = new Map<string, JsonValue | typeof UNKNOWN | undefined>(Object.entries(host.signals));
  for (const name of host.failingSignals) signals.set(name, UNKNOWN);
  return {
    nowMs,
    agent,
    actor,
    run: { runId: "run-1", sessionId, startedAtMs, status, tags, context, state },
    subjects: host.subjects === null ? UNKNOWN : host.subjects,
    signals,
    shared: {
      read: ({ key }) => {
        const place = [...`${key.ruleId}/${key.index}`].reduce((sum, character) => sum + character.charCodeAt(0), 0);
        return host.shared[place % host.shared.length] ?? undefined;
      },
    },
    lockdowns: host.lockdowns,
    approval: host.approval,
    failClosed,
    enforceMode,
  };
}
