import type { JsonValue } from "@handlebar/protocol";
import type { CallFacts, Facts } from "../facts.ts";
import { Frame } from "../frame.ts";
import { VALUE_BOUNDS } from "../limits.ts";
import { FALSE } from "../outcome.ts";
import { readPath } from "../path-read.ts";
import { type CompiledFlow, type CompiledSource, isUnknownTool } from "./compile-flow.ts";
import { isFreeText } from "./free-text.ts";
import { noteOrigins } from "./note-origins.ts";

/** A call was let through: the labels that its result may bring count from now on. */
export function notePending(flow: CompiledFlow, facts: Facts): void {
  const { call, run } = facts;
  if (call === undefined || flow.isEmpty) return;
  const labels = new Set<string>();
  for (const policyFlow of flow.for(facts.agent)) {
    for (const source of policyFlow.sources) {
      if (source.tool.matches(call.tool)) for (const label of source.add) labels.add(label);
    }
    if (isUnknownTool(policyFlow, call.tool)) for (const label of policyFlow.labels) labels.add(label);
  }
  run.state.flow.expect(call.callId, [...labels]);
}

/** A call ended, well or with an error: the run gets the labels of its result, and what the result showed is remembered. */
export function noteResultFlow(flow: CompiledFlow, facts: Facts): void {
  const { call, run } = facts;
  if (call === undefined || flow.isEmpty) return;
  const frame = new Frame(facts);
  const state = run.state.flow;
  const flows = flow.for(facts.agent);
  state.arrived(call.callId);
  for (const policyFlow of flows) {
    const labels = isUnknownTool(policyFlow, call.tool)
      ? policyFlow.labels
      : policyFlow.sources.flatMap((source) => (adds(source, frame, call) ? source.add : []));
    for (const label of labels) state.add(label, { callId: call.callId, tool: call.tool.name });
  }
  if (flow.tracksOrigins) noteOrigins(flows, frame);
}

/** What is not known about a result adds its labels. */
function adds(source: CompiledSource, frame: Frame, call: CallFacts): boolean {
  if (source.add.length === 0 || !source.tool.matches(call.tool)) return false;
  if (source.when !== undefined && source.when(frame) === FALSE) return false;
  if (source.fields === undefined || call.error !== undefined || frame.result.exceeded) return true;
  return source.fields.some((field) => (field === "freeText" ? hasFreeText(frame.result.value) : hasValue(frame, field)));
}

function hasValue(frame: Frame, field: Exclude<NonNullable<CompiledSource["fields"]>[number], "freeText">): boolean {
  const { values, exceeded } = readPath(frame.result.value, field);
  return exceeded || values.some((value) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0));
}

function hasFreeText(value: JsonValue | undefined): boolean {
  let found = typeof value === "string" && value !== "";
  const isCut = forEachText(value, (text, field) => {
    found ||= text !== "" && isFreeText(text, field);
  });
  return found || isCut;
}

/** Visits every text below a value with the name of the nearest field around it. True when something was passed over. */
function forEachText(value: unknown, visit: (text: string, field: string | undefined) => void): boolean {
  const below = (inner: unknown, field: string | undefined, depth: number): boolean => {
    if (typeof inner === "string") visit(inner, field);
    if (typeof inner !== "object" || inner === null) return false;
    if (depth > VALUE_BOUNDS.depthMax) return true;
    let isCut = false;
    for (const [key, child] of Object.entries(inner)) isCut = below(child, Array.isArray(inner) ? field : key, depth + 1) || isCut;
    return isCut;
  };
  return below(value, undefined, 0);
}
