import type { JsonValue } from "@handlebar/protocol";
import type { CallFacts } from "../facts.ts";
import type { Frame } from "../frame.ts";
import { VALUE_BOUNDS } from "../limits.ts";
import { FALSE, TRUE } from "../outcome.ts";
import { mapPath } from "../path-map.ts";
import { type CompiledSource, isUnknownTool, type PolicyFlow } from "./compile-flow.ts";
import type { FlowState } from "./flow-state.ts";
import { isFreeText } from "./free-text.ts";

type Trust = "trusted" | "untrusted";

/** What the policies say of the result of one tool; where they differ, untrusted wins. */
interface Trusts {
  readonly byField: readonly { readonly source: CompiledSource; readonly trust: Trust }[];
  readonly freeText: Trust | undefined;
  readonly whole: Trust;
}

/** Remembers which values a result showed, in a trusted place or not. */
export function noteOrigins(flows: readonly PolicyFlow[], frame: Frame): void {
  const { call, run } = frame.facts;
  if (call === undefined) return;
  const trusts = trustsOf(flows, frame, call);
  const { flow } = run.state;
  if (call.error !== undefined) remember(flow, trusts.freeText ?? trusts.whole, { text: call.error.message });
  let rest: unknown = frame.result.value;
  for (const { source, trust } of trusts.byField) rest = takeFields(rest, source, { trust, flow, freeText: trusts.freeText });
  rememberBelow(flow, rest, { trust: trusts.whole, freeText: trusts.freeText });
}

function trustsOf(flows: readonly PolicyFlow[], frame: Frame, call: CallFacts): Trusts {
  const byField: { source: CompiledSource; trust: Trust }[] = [];
  const freeText: Trust[] = [];
  const whole: Trust[] = [];
  for (const flow of flows) {
    if (isUnknownTool(flow, call.tool)) whole.push("untrusted");
    for (const source of flow.sources) {
      const { trust, fields } = source;
      if (trust === undefined || !source.tool.matches(call.tool) || !holds(source, trust, frame)) continue;
      if (fields === undefined) whole.push(trust);
      else {
        if (fields.includes("freeText")) freeText.push(trust);
        byField.push({ source, trust });
      }
    }
  }
  if (whole.length === 0) whole.push(...flows.flatMap(({ defaultTrust }) => (defaultTrust === undefined ? [] : [defaultTrust])));
  // A place that two sources name is read for the untrusted one first.
  byField.sort((a, b) => Number(a.trust === "trusted") - Number(b.trust === "trusted"));
  return { byField, freeText: freeText.length === 0 ? undefined : least(freeText), whole: least(whole) };
}

function least(trusts: readonly Trust[]): Trust {
  return trusts.length > 0 && trusts.every((trust) => trust === "trusted") ? "trusted" : "untrusted";
}

/** Not knowing whether a source's condition holds gives no trust and takes it. */
function holds(source: CompiledSource, trust: Trust, frame: Frame): boolean {
  if (source.when === undefined) return true;
  const outcome = source.when(frame);
  return trust === "trusted" ? outcome === TRUE : outcome !== FALSE;
}

interface Taking {
  readonly trust: Trust;
  readonly flow: FlowState;
  readonly freeText: Trust | undefined;
}

/** Remembers what stands at a source's paths, and gives the result without it. */
function takeFields(value: unknown, source: CompiledSource, { trust, flow, freeText }: Taking): unknown {
  let rest = value;
  for (const field of source.fields ?? []) {
    if (field === "freeText") continue;
    const mapped = mapPath(rest, field, {
      replace: (found) => {
        rememberBelow(flow, found, { trust, freeText: trust === "trusted" ? freeText : undefined });
        return null;
      },
    });
    if (!mapped.exceeded) rest = mapped.value;
  }
  return rest;
}

/** Remembers every value below one; free text is told apart where a policy tells it apart. */
function rememberBelow(
  flow: FlowState,
  value: unknown,
  { trust, freeText }: { readonly trust: Trust; readonly freeText: Trust | undefined },
): void {
  const visit = (inner: unknown, field: string | undefined, depth: number): void => {
    if (depth > VALUE_BOUNDS.depthMax) return;
    if (typeof inner === "string") {
      const isFree = isFreeText(inner, field) || depth === 0;
      if (isFree) remember(flow, freeText ?? trust, { text: inner });
      else remember(flow, trust, { value: inner });
    } else if (typeof inner === "number") remember(flow, trust, { value: inner });
    else if (typeof inner === "object" && inner !== null) {
      for (const [key, child] of Object.entries(inner)) {
        const isList = Array.isArray(inner);
        if (!isList && trust === "trusted") remember(flow, trust, { value: key });
        visit(child, isList ? field : key, depth + 1);
      }
    }
  };
  visit(value, undefined, 0);
}

function remember(flow: FlowState, trust: Trust, seen: { readonly text?: string; readonly value?: JsonValue }): void {
  const index = flow.seen[trust];
  if (seen.text !== undefined) index.addText(seen.text);
  // Field names of records, such as ids that a map is keyed by, are values too.
  else index.addValue(seen.value);
}
