import type { Facts } from "../facts.ts";
import type { RunState } from "../run-state.ts";
import type { CompiledFlow } from "./compile-flow.ts";
import { FlowState } from "./flow-state.ts";

/** The run's labels, in the order in which it got them. */
export function labelsOf(state: RunState): readonly string[] {
  return [...state.flow.labels.keys()];
}

/** The run's labels that policies keep for its whole session. */
export function sessionLabelsOf(flow: CompiledFlow, agent: Facts["agent"], state: RunState): readonly string[] {
  const kept = new Set(flow.for(agent).flatMap((one) => (one.isForSession ? one.labels : [])));
  return labelsOf(state).filter((label) => kept.has(label));
}

/** Gives a run labels that it starts with, such as its session's. */
export function seedLabels(flow: FlowState, labels: readonly string[]): void {
  for (const label of labels) flow.add(label, { callId: "", tool: "" });
}

/**
 * The state of a run that another run starts (a sub-agent): it has that run's labels and knows where values were seen. What
 * is then noted as its prompt is what that run's agent wrote, and makes no value one from the prompt.
 */
export function inheritRunState(fresh: RunState, parent: RunState): RunState {
  return { ...fresh, flow: FlowState.inherit(parent.flow) };
}

/** Gives a run the labels of a run that it started, as soon as that one has them: at its return at the latest. */
export function joinRunState(parent: RunState, child: RunState): void {
  parent.flow.join(child.flow);
}
