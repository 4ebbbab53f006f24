import type { CallFacts, Facts } from "../facts.ts";
import { Frame } from "../frame.ts";
import { FALSE } from "../outcome.ts";
import type { Path } from "../path.ts";
import { readPath, walkLeaves } from "../path-read.ts";
import { type CompiledFlow, type CompiledSource, isUnknownTool, type PolicyFlow } from "./compile-flow.ts";
import type { FlowState } from "./flow-state.ts";
import { noteOrigins, trustsOf } from "./note-origins.ts";
import { walkResult } from "./result-walk.ts";

/** A call was let through: the labels that its result may bring count from now on, and what it was given is remembered. */
export function notePending(flow: CompiledFlow, facts: Facts): void {
  const { call, run } = facts;
  if (call === undefined) return;
  const state = run.state.flow;
  if (flow.tracksOrigins) noteSent(state, call);
  else state.sent.lose();
  if (flow.isEmpty) return;
  const labels = new Set<string>();
  for (const policyFlow of flow.for(facts.agent)) {
    for (const source of policyFlow.sources) {
      if (source.tool.matches(call.tool)) for (const label of source.add) labels.add(label);
    }
    if (isUnknownTool(policyFlow, call.tool)) for (const label of policyFlow.labels) labels.add(label);
  }
  if (labels.size > 0) state.pending.expect(call.callId, [...labels]);
}

function noteSent(state: FlowState, call: CallFacts): void {
  const isCut = walkLeaves(call.args, (leaf) => {
    if (typeof leaf === "string" || typeof leaf === "number") state.sent.add(leaf);
  });
  if (isCut || call.argsExceeded === true) state.sent.lose();
}

/** A call ended, well or with an error: the run gets the labels of its result, and what the result showed is remembered. */
export function noteResultFlow(flow: CompiledFlow, facts: Facts): void {
  const { call, run } = facts;
  if (call === undefined) return;
  const state = run.state.flow;
  state.arrived(call.callId);
  if (!flow.tracksOrigins) state.lose(["trusted", "untrusted"]);
  if (flow.isEmpty) return;
  const frame = new Frame(facts);
  const flows = flow.for(facts.agent);
  const trusts = flow.tracksOrigins ? trustsOf(flows, frame) : undefined;
  // All sources are asked before the first label is added, so that their order never shows.
  const labels = flows.flatMap((policyFlow) => labelsFor(policyFlow, frame, call));
  for (const label of labels) state.add(label, { callId: call.callId, tool: call.tool.name });
  if (trusts !== undefined) noteOrigins(trusts, frame);
}

/**
 * What a person or the developer wrote. In a run that another run started it is what that run's agent wrote, and values
 * that only it names are no person's. Kept whatever the policies are, as those that ask may come later than the prompt.
 */
export function notePromptFlow(state: FlowState, text: string): void {
  state.seen[state.isInherited ? "untrusted" : "prompt"].addText(text);
}

function labelsFor(flow: PolicyFlow, frame: Frame, call: CallFacts): readonly string[] {
  if (isUnknownTool(flow, call.tool)) return flow.labels;
  return flow.sources.flatMap((source) => (adds(source, frame, call) ? source.add : []));
}

/** What is not known about a result adds its labels. */
function adds(source: CompiledSource, frame: Frame, call: CallFacts): boolean {
  if (source.add.length === 0 || !source.tool.matches(call.tool)) return false;
  if (source.when !== undefined && source.when(frame) === FALSE) return false;
  if (source.fields === undefined || frame.result.exceeded) return true;
  return source.fields.some((field) => (field === "freeText" ? hasFreeText(frame, call) : hasField(frame, field)));
}

function hasField(frame: Frame, field: Path): boolean {
  const { values, exceeded, mistyped } = readPath(frame.result.value, field);
  return exceeded || (mistyped && values.length === 0) || values.some(saysSomething);
}

function saysSomething(value: unknown): boolean {
  let found = false;
  const isCut = walkLeaves(value, (leaf) => {
    found ||= leaf !== null && leaf !== "";
  });
  return found || isCut;
}

/** The text of an error is free text. */
function hasFreeText(frame: Frame, call: CallFacts): boolean {
  let found = call.error !== undefined && call.error.message !== "";
  const isCut = walkResult(frame.result.value, (leaf) => {
    found ||= leaf.isFreeText && leaf.value !== "";
  });
  return found || isCut;
}
