import type { Frame } from "../frame.ts";
import { FALSE, TRUE } from "../outcome.ts";
import { mapPath } from "../path-map.ts";
import { type CompiledSource, isUnknownTool, type PolicyFlow } from "./compile-flow.ts";
import type { FlowState } from "./flow-state.ts";
import { walkResult } from "./result-walk.ts";
import { namedValues } from "./sought.ts";

type Trust = "trusted" | "untrusted";

/** What the policies say of one result. What names a field beats what names the whole; between equals, untrusted wins. */
export interface Trusts {
  /** Those that name paths, untrusted ones first. */
  readonly byPath: readonly { readonly source: CompiledSource; readonly trust: Trust }[];
  readonly freeText: Trust | undefined;
  readonly whole: Trust;
}

/** How far a result can be believed: asked before the run's labels change, so that the order of sources never shows. */
export function trustsOf(flows: readonly PolicyFlow[], frame: Frame): Trusts {
  const { call } = frame.facts;
  const byPath: { source: CompiledSource; trust: Trust }[] = [];
  const freeText: Trust[] = [];
  const whole: Trust[] = [];
  for (const flow of flows) {
    if (call === undefined || isUnknownTool(flow, call.tool)) whole.push("untrusted");
    for (const source of flow.sources) {
      const { trust, fields } = source;
      if (trust === undefined || call === undefined || !source.tool.matches(call.tool) || !holds(source, trust, frame))
        continue;
      if (fields === undefined) whole.push(trust);
      if (fields?.includes("freeText") === true) freeText.push(trust);
      if (fields?.some((field) => field !== "freeText") === true) byPath.push({ source, trust });
    }
  }
  if (whole.length === 0)
    for (const { defaultTrust } of flows) if (defaultTrust !== undefined) whole.push(defaultTrust);
  byPath.sort((a, b) => Number(a.trust === "trusted") - Number(b.trust === "trusted"));
  return { byPath, freeText: freeText.length === 0 ? undefined : least(freeText), whole: least(whole) };
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

/** Remembers which values a result showed, and how far they can be trusted there. */
export function noteOrigins(trusts: Trusts, frame: Frame): void {
  const { call, run } = frame.facts;
  if (call === undefined) return;
  const { flow } = run.state;
  const { freeText, whole } = trusts;
  const isAnyUntrusted =
    whole === "untrusted" || freeText === "untrusted" || trusts.byPath.some((one) => one.trust === "untrusted");
  if (call.resultExceeded === true) flow.lose(["trusted", "untrusted"]);
  if (call.error !== undefined) rememberText(flow, freeText ?? whole, call.error.message);
  // What was cut off a text that holds a record stands in none of its fields.
  if (typeof call.result === "string" && frame.result.exceeded) {
    rememberText(flow, isAnyUntrusted ? "untrusted" : "trusted", call.result);
  }
  let rest: unknown = frame.result.value;
  for (const { source, trust } of trusts.byPath) {
    const taken = takeFields(rest, source, { trust, flow, freeText });
    if (taken === undefined) {
      // Which part cannot be trusted is not known.
      rememberBelow(flow, rest, { trust: "untrusted", freeText: undefined });
      return;
    }
    rest = taken.rest;
  }
  rememberBelow(flow, rest, { trust: whole, freeText });
}

interface Remembering {
  readonly trust: Trust;
  readonly freeText: Trust | undefined;
}

/** Remembers what stands at a source's paths, and gives the result without it; `undefined` when they cannot be read. */
function takeFields(
  value: unknown,
  source: CompiledSource,
  { trust, flow, freeText }: Remembering & { readonly flow: FlowState },
): { readonly rest: unknown } | undefined {
  let rest = value;
  for (const field of source.fields ?? []) {
    if (field === "freeText") continue;
    const found: unknown[] = [];
    const mapped = mapPath(rest, field, {
      replace: (inner) => {
        found.push(inner);
        return null;
      },
    });
    // A result of another kind than the path takes it for may hold the same words elsewhere.
    const isElsewhere = mapped.mistyped && found.length === 0 && trust === "untrusted";
    if (mapped.exceeded || isElsewhere) return undefined;
    for (const inner of found)
      rememberBelow(flow, inner, { trust, freeText: trust === "trusted" ? freeText : undefined });
    rest = mapped.value;
  }
  return { rest };
}

/** Remembers every value below one; free text is told apart where a policy tells it apart. */
function rememberBelow(flow: FlowState, value: unknown, { trust, freeText }: Remembering): void {
  const untrusted: string[] = [];
  const isCut = walkResult(value, (leaf) => {
    const isTrusted = (leaf.isFreeText ? (freeText ?? trust) : trust) === "trusted";
    if (!isTrusted) untrusted.push(String(leaf.value));
    else if (leaf.isFreeText) rememberText(flow, "trusted", String(leaf.value));
    else {
      for (const named of typeof leaf.value === "string" ? namedValues(leaf.value) : [leaf.value]) {
        // A value that this run's calls were given is not made trusted by coming back.
        if (flow.sent.has(named)) untrusted.push(String(named));
        else flow.seen.trusted.addValue(named);
      }
    }
  });
  if (untrusted.length > 0) flow.seen.untrusted.addText(untrusted.join("; "));
  if (isCut) flow.lose(["trusted", "untrusted"]);
}

function rememberText(flow: FlowState, trust: Trust, text: string): void {
  if (trust === "untrusted") flow.seen.untrusted.addText(text);
  else for (const stretch of flow.sent.others(text)) flow.seen.trusted.addText(stretch);
}
