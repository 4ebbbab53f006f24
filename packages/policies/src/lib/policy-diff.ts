import { policyIdOf, ruleIdOf } from "@handlebar/engine/check";
import {
  formatPath,
  type JsonValue,
  type Policy,
  type PolicyChanges,
  type PolicyFieldChange,
  type Rule,
  type RuleChange,
} from "@handlebar/protocol";
import { LIMITS } from "./limits.ts";

/** Kept with a policy, and no part of what it says. */
const UNTOLD: ReadonlySet<string> = new Set(["id", "rules"]);

/**
 * What it takes to turn one policy into another, by place: a field, or a rule with the fields of it. Rules are known by their ids; their order
 * decides nothing and is not compared. The trees of expressions are left out, since they follow from the text.
 *
 * @param before - `undefined` where there was none; everything of `after` is then told as added.
 * @param after - `undefined` where there is none any more.
 */
export function diffPolicies(before: Policy | undefined, after: Policy | undefined): PolicyChanges {
  const report = new Report();
  const fields = report.fields(plainOf(before), plainOf(after), UNTOLD);
  const rules: RuleChange[] = [];
  for (const { ruleId, change, old, next } of changedRules(before, after)) {
    if (!report.takesRule()) continue;
    const told = change === "changed" ? report.fields(plainOf(old), plainOf(next), new Set(["id"])) : [];
    rules.push({ ruleId, name: (next ?? old)?.name ?? ruleId, change, fields: told });
  }
  return { fields, rules, leftOutCount: report.leftOutCount };
}

/** How much changed from one policy to another, without what: which of its own fields, and how many of its rules. */
export interface PolicyChangeSummary {
  readonly fields: readonly string[];
  readonly rules: Readonly<Record<RuleChange["change"], number>>;
}

/** As `diffPolicies`, counted: quick also where everything changed. */
export function summarisePolicyChanges(before: Policy | undefined, after: Policy | undefined): PolicyChangeSummary {
  const [old, next]: readonly [object, object] = [before ?? {}, after ?? {}];
  const names = [...new Set([...Object.keys(old), ...Object.keys(next)])].filter((name) => !UNTOLD.has(name));
  const values = new Map<string, unknown>(Object.entries(old));
  const newer = new Map<string, unknown>(Object.entries(next));
  const fields = names.filter((name) => !isAlike(values.get(name), newer.get(name)));
  const rules = { added: 0, changed: 0, removed: 0 };
  for (const { change } of changedRules(before, after)) rules[change] += 1;
  return { fields, rules };
}

interface ChangedRule {
  readonly ruleId: string;
  readonly change: RuleChange["change"];
  readonly old: Rule | undefined;
  readonly next: Rule | undefined;
}

/** Those of the newer policy in its order, then those removed. */
function* changedRules(before: Policy | undefined, after: Policy | undefined): Generator<ChangedRule> {
  const older = rulesOf(before);
  const newer = rulesOf(after);
  for (const [ruleId, next] of newer) {
    const old = older.get(ruleId);
    if (old === undefined) yield { ruleId, change: "added", old, next };
    else if (!isAlike({ ...old, id: ruleId }, { ...next, id: ruleId })) yield { ruleId, change: "changed", old, next };
  }
  for (const [ruleId, old] of older) {
    if (!newer.has(ruleId)) yield { ruleId, change: "removed", old, next: undefined };
  }
}

type Plain = Readonly<Record<string, JsonValue>>;

/** Gathers changes up to the bounds, and counts those beyond. */
class Report {
  leftOutCount = 0;
  #ruleCount = 0;
  #fieldCount = 0;

  fields(before: Plain, after: Plain, except: ReadonlySet<string>): PolicyFieldChange[] {
    const changes: PolicyFieldChange[] = [];
    for (const key of keysOf(before, after)) {
      if (except.has(key)) continue;
      this.#compare(changes, [key], before[key], after[key]);
    }
    return changes;
  }

  /** False where there are as many as may be told. */
  takesRule(): boolean {
    const isTaken = this.#ruleCount < LIMITS.diffRuleCountMax;
    if (isTaken) this.#ruleCount += 1;
    else this.leftOutCount += 1;
    return isTaken;
  }

  #compare(
    changes: PolicyFieldChange[],
    keys: readonly PropertyKey[],
    ...[before, after]: readonly [JsonValue | undefined, JsonValue | undefined]
  ): void {
    if (isAlike(before, after)) return;
    const parts = partsOf(before, after);
    if (parts === undefined) {
      this.#add(changes, { path: formatPath(keys), ...given("before", before), ...given("after", after) });
      return;
    }
    for (const { key, old, next } of parts) this.#compare(changes, [...keys, key], old, next);
  }

  #add(changes: PolicyFieldChange[], change: PolicyFieldChange): void {
    if (this.#fieldCount >= LIMITS.diffFieldCountMax) {
      this.leftOutCount += 1;
      return;
    }
    this.#fieldCount += 1;
    changes.push(change);
  }
}

interface Part {
  readonly key: string | number;
  readonly old: JsonValue | undefined;
  readonly next: JsonValue | undefined;
}

/** What is compared part by part: objects of one kind, and lists of as many objects; anything else is one value. */
function partsOf(before: JsonValue | undefined, after: JsonValue | undefined): readonly Part[] | undefined {
  if (isList(before) && isList(after)) {
    const isAlike = before.length === after.length && [...before, ...after].every(isObject);
    return isAlike ? before.map((old, key) => ({ key, old, next: after[key] })) : undefined;
  }
  if (!isObject(before) || !isObject(after)) return undefined;
  if (before["kind"] !== after["kind"] || before["type"] !== after["type"]) return undefined;
  return keysOf(before, after).map((key) => ({ key, old: before[key], next: after[key] }));
}

function rulesOf(policy: Policy | undefined): ReadonlyMap<string, Rule> {
  if (policy === undefined) return new Map();
  const policyId = policyIdOf(policy);
  return new Map(policy.rules.map((rule) => [ruleIdOf(rule, policyId), rule]));
}

/** As JSON, without what is derived. */
function plainOf(value: Policy | Rule | undefined): Plain {
  if (value === undefined) return {};
  // A policy is JSON; the replacer takes nothing but trees.
  return JSON.parse(JSON.stringify(value, withoutTree)) as Plain;
}

function withoutTree(this: unknown, key: string, value: unknown): unknown {
  return key === "tree" && Object(this).kind === "expr" ? undefined : value;
}

function keysOf(before: Plain, after: Plain): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])];
}

/** The same JSON, whatever the order of keys; what is derived is not looked at. */
function isAlike(before: unknown, after: unknown): boolean {
  if (Object.is(before, after)) return true;
  if (typeof before !== "object" || typeof after !== "object" || before === null || after === null) return false;
  if (Array.isArray(before) || Array.isArray(after)) {
    if (!Array.isArray(before) || !Array.isArray(after) || before.length !== after.length) return false;
    return before.every((one, at) => isAlike(one, after[at]));
  }
  // Objects that are no lists: their values are read by key.
  const [old, next] = [before as Readonly<Record<string, unknown>>, after as Readonly<Record<string, unknown>>];
  const keys = toldKeys(old);
  return keys.length === toldKeys(next).length && keys.every((key) => isAlike(old[key], next[key]));
}

function toldKeys(value: Readonly<Record<string, unknown>>): readonly string[] {
  const isExpr = value["kind"] === "expr";
  return Object.keys(value).filter((key) => value[key] !== undefined && !(isExpr && key === "tree"));
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isObject(value: JsonValue | undefined): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function given(name: "before" | "after", value: JsonValue | undefined): object {
  return value === undefined ? {} : { [name]: value };
}
