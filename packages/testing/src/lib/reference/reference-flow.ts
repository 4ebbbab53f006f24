import type { Facts } from "@handlebar/engine";
import type { ArgFromCondition, Flow, Origin, Policy } from "@handlebar/protocol";
import { ifMissing, selects } from "./reference-comparison.ts";
import type { ReferenceHistory } from "./reference-history.ts";
import { anyOf, type ReferenceOutcome } from "./reference-outcome.ts";
import { MISTYPED, placesAt } from "./reference-path.ts";

type Ask = (condition: NonNullable<Flow["sources"][number]["when"]>) => ReferenceOutcome;

/** Labels that the run has, those that calls under way may bring included. */
export function labelsNow(policies: readonly Policy[], history: ReferenceHistory): ReadonlySet<string> {
  const pending = history.calls.flatMap(({ tool, end }) => {
    if (tool === undefined || end !== undefined) return [];
    return policies.flatMap(({ flow }) => {
      if (flow === undefined) return [];
      const named = flow.sources.filter((source) => selects(source.tool, tool)).flatMap((source) => source.add ?? []);
      return isUnknownTool(flow, tool) ? everyLabel(flow) : named;
    });
  });
  return new Set([...history.labels, ...pending]);
}

/** What one result adds to what the run knows. Sources name whole results or paths, never free text. */
export function afterResult(
  policies: readonly Policy[],
  { facts, history, ask }: { readonly facts: Facts; readonly history: ReferenceHistory; readonly ask: Ask },
): Pick<ReferenceHistory, "labels" | "shown"> {
  const tool = facts.call?.tool;
  const result = facts.call?.result;
  if (tool === undefined) return history;
  const flows = policies.flatMap(({ flow }) => (flow === undefined ? [] : [flow]));
  const added = flows.flatMap((flow) => {
    if (isUnknownTool(flow, tool)) return everyLabel(flow);
    const fitting = flow.sources.filter(({ tool: selector, when, fields }) => {
      if (!selects(selector, tool) || (when !== undefined && ask(when) === false)) return false;
      return fields === undefined || fields.some((field) => mayHave(result, field));
    });
    return fitting.flatMap((source) => source.add ?? []);
  });
  const trust = trustOf(flows, { tool, ask });
  // A value that the run's own calls were given is not made trusted by coming back.
  const sent = new Set(history.calls.flatMap((call) => textsIn(call.args)));
  const shown = textsIn(result).map((value) => ({ value, trust: sent.has(value) ? ("untrusted" as const) : trust }));
  return { labels: new Set([...history.labels, ...added]), shown: [...history.shown, ...shown] };
}

/** Whether a value has one of the origins asked for. Right for values that are one word of their own. */
export function compareOrigins(
  condition: ArgFromCondition,
  args: unknown,
  history: ReferenceHistory,
): ReferenceOutcome {
  const places = condition.paths
    .flatMap((path) => placesAt(args, path))
    .filter((place) => place !== MISTYPED && place !== undefined);
  if (places.length === 0) return ifMissing(condition.onMissing);
  const words = places.flatMap(textsIn).filter((text) => text !== "");
  return anyOf(words.map((word) => condition.origins.includes(originOf(word, history))));
}

function originOf(word: string, { prompts, shown }: ReferenceHistory): Origin {
  if (prompts.some((prompt) => prompt.split(" ").includes(word))) return "prompt";
  if (shown.some(({ value, trust }) => value === word && trust === "trusted")) return "trusted";
  return shown.some(({ value }) => value === word) ? "untrusted" : "unseen";
}

function trustOf(
  flows: readonly Flow[],
  { tool, ask }: { readonly tool: NonNullable<Facts["call"]>["tool"]; readonly ask: Ask },
): "trusted" | "untrusted" {
  const said = flows.flatMap((flow) => {
    const unknown = isUnknownTool(flow, tool) ? (["untrusted"] as const) : [];
    const bySource = flow.sources.flatMap(({ tool: selector, trust, when }) => {
      if (trust === undefined || !selects(selector, tool)) return [];
      const held = when === undefined ? true : ask(when);
      return (trust === "trusted" ? held === true : held !== false) ? [trust] : [];
    });
    return [...unknown, ...bySource];
  });
  const all =
    said.length > 0 ? said : flows.flatMap(({ defaultTrust }) => (defaultTrust === undefined ? [] : [defaultTrust]));
  return all.length > 0 && !all.includes("untrusted") ? "trusted" : "untrusted";
}

function isUnknownTool(flow: Flow, tool: NonNullable<Facts["call"]>["tool"]): boolean {
  return flow.strict === true && tool.tags.length === 0 && !flow.sources.some((source) => selects(source.tool, tool));
}

function everyLabel(flow: Flow): readonly string[] {
  return [...(flow.labels ?? []), ...flow.sources.flatMap((source) => source.add ?? [])];
}

/** What cannot be looked into may have it. */
function mayHave(result: unknown, field: string): boolean {
  const places = placesAt(result, field);
  const values = places.filter((place) => place !== MISTYPED && place !== undefined);
  return values.some(saysSomething) || (values.length === 0 && places.includes(MISTYPED));
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function saysSomething(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === MISTYPED) return false;
  return typeof value === "object" ? Object.values(value).some(saysSomething) : true;
}
