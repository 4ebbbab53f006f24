import type { Facts } from "../facts.ts";
import type { RunState } from "../run-state.ts";
import type { CompiledFlow } from "./compile-flow.ts";
import type { FlowState } from "./flow-state.ts";

/** The run's labels, in the order in which it got them. */
export function labelsOf(state: RunState): readonly string[] {
  return [...state.flow.labels.keys()];
}

/** The run's labels that policies keep for its whole session. */
export function sessionLabelsOf(flow: CompiledFlow, agent: Facts["agent"], state: RunState): readonly string[] {
  const kept = new Set(flow.for(agent).flatMap((one) => (one.isForSession ? one.labels : [])));
  return labelsOf(state).filter((label) => kept.has(label));
}

/** Gives a run labels that it starts with: its session's, or its parent's. */
export function seedLabels(flow: FlowState, labels: readonly string[]): void {
  for (const label of labels) flow.add(label, { callId: "", tool: "" });
}
