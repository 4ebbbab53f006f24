import type { Tool, ToolSelector } from "@handlebar/protocol";
import { effectiveTags } from "@handlebar/protocol";
import type { ToolFacts } from "../facts.ts";
import { compileGlob, isLiteralGlob } from "../glob.ts";
import { compileToolMatcher } from "../tool-matcher.ts";
import type { PlacedLeaf, PlacedRule, PlacedSource } from "./condition-walk.ts";
import { nameFix } from "./known-names.ts";
import type { FindingPlace, Findings } from "./policy-finding.ts";

const CODE = "HB_POLICY_TOOL_UNKNOWN";
const REGISTER = "register the tool";

/** A registered tool as conditions see it. */
export interface KnownTool {
  readonly facts: ToolFacts;
  readonly argsSchema: Tool["argsSchema"];
}

export function knownTools(tools: readonly Tool[]): readonly KnownTool[] {
  return tools.map((tool) => ({ facts: { name: tool.name, tags: effectiveTags(tool) }, argsSchema: tool.argsSchema }));
}

/** Reports selectors, patterns of earlier calls and compared names that no registered tool fits. */
export function checkTools(
  placed: { readonly rules: readonly PlacedRule[]; readonly sources: readonly PlacedSource[] },
  tools: readonly KnownTool[],
  findings: Findings,
): void {
  const names = tools.map(({ facts }) => facts.name);
  const tags = [...new Set(tools.flatMap(({ facts }) => facts.tags))];
  const check = { tools, names, tags, findings };
  for (const { rule, leaves, ...rest } of placed.rules) {
    if (!findings.hasError(rest.policyIndex, rule)) checkAt(rule.tool, leaves, { place: { ...rest, rule }, ...check });
  }
  for (const { source, leaves, ...rest } of placed.sources) {
    if (!findings.hasError(rest.policyIndex, undefined)) checkAt(source.tool, leaves, { place: rest, ...check });
  }
}

interface ToolCheck {
  readonly place: FindingPlace;
  readonly tools: readonly KnownTool[];
  readonly names: readonly string[];
  readonly tags: readonly string[];
  readonly findings: Findings;
}

function checkAt(selector: ToolSelector | undefined, leaves: readonly PlacedLeaf[], check: ToolCheck): void {
  checkSelector(selector, within(check, "tool"));
  for (const { leaf, keys } of leaves) {
    const at: ToolCheck = { ...check, place: { ...check.place, keys } };
    if (leaf.kind === "maxCalls" || leaf.kind === "metricWindow") checkSelector(leaf.tool, within(at, "tool"));
    if (leaf.kind === "sequence") {
      for (const [number, pattern] of (leaf.called ?? []).entries())
        checkSelector(pattern, within(at, "called", number));
      for (const [number, pattern] of (leaf.notCalled ?? []).entries()) {
        checkSelector(pattern, within(at, "notCalled", number));
      }
    }
    if (leaf.kind === "toolTag") {
      for (const part of ["anyOf", "allOf", "noneOf"] as const) checkTags(leaf[part], within(at, part));
    }
    const isNamed = leaf.kind === "toolName" && (leaf.op === "eq" || leaf.op === "in" || leaf.op === "glob");
    if (isNamed && leaf.ignoreCase !== true) checkNames(leaf.value, within(at, "value"));
  }
}

function within(check: ToolCheck, ...keys: readonly PropertyKey[]): ToolCheck {
  return { ...check, place: { ...check.place, keys: [...check.place.keys, ...keys] } };
}

function checkSelector(selector: ToolSelector | undefined, check: ToolCheck): void {
  if (selector === undefined) return;
  const { name, tagsAny, tagsAll } = selector;
  const isKnown = [
    name === undefined || checkNames(name, within(check, "name")),
    checkTags(tagsAny, within(check, "tagsAny")),
    checkTags(tagsAll, within(check, "tagsAll")),
  ].every((known) => known);
  if (!isKnown) return;
  const matcher = compileToolMatcher({ name, tagsAny, tagsAll });
  if (matcher.isAny || check.tools.some(({ facts }) => matcher.matches(facts))) return;
  const message = "no registered tool has all that the selector asks for";
  check.findings.warn(check.place, CODE, { message, fix: "correct its names or tags, or register the tool" });
}

/** Whether all names and globs fit some registered tool. */
function checkNames(name: string | readonly string[], check: ToolCheck): boolean {
  let isKnown = true;
  for (const [at, glob] of (typeof name === "string" ? [name] : name).entries()) {
    if (check.names.some(compileGlob(glob))) continue;
    isKnown = false;
    const { place } = typeof name === "string" ? check : within(check, at);
    const isLiteral = isLiteralGlob(glob);
    const message = isLiteral ? `no tool \`${glob}\` is registered` : `no registered tool fits \`${glob}\``;
    check.findings.warn(place, CODE, { message, fix: nameFix(glob, isLiteral ? check.names : [], REGISTER) });
  }
  return isKnown;
}

function checkTags(tags: readonly string[] | undefined, check: ToolCheck): boolean {
  let isKnown = true;
  for (const [at, tag] of (tags ?? []).entries()) {
    if (check.tags.includes(tag)) continue;
    isKnown = false;
    const message = `no registered tool has the tag \`${tag}\``;
    check.findings.warn(within(check, at).place, CODE, {
      message,
      fix: nameFix(tag, check.tags, "give a tool the tag"),
    });
  }
  return isKnown;
}
