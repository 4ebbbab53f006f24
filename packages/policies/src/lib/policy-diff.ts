import { canonicalJson } from "@handlebar/engine";
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
  const older = rulesOf(before);
  const newer = rulesOf(after);
  for (const [ruleId, rule] of newer) {
    const known = older.get(ruleId);
    const change = known === undefined ? "added" : "changed";
    const told = known === undefined ? [] : report.fields(plainOf(known), plainOf(rule), new Set(["id"]));
    if (known === undefined || told.length > 0) report.rule(rules, { ruleId, name: rule.name, change, fields: told });
  }
  for (const [ruleId, { name }] of older) {
    if (!newer.has(ruleId)) report.rule(rules, { ruleId, name, change: "removed", fields: [] });
  }
  return { fields, rules, leftOutCount: report.leftOutCount };
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

  rule(rules: RuleChange[], change: RuleChange): void {
    if (this.#ruleCount >= LIMITS.diffRuleCountMax) {
      this.leftOutCount += 1 + change.fields.length;
      return;
    }
    this.#ruleCount += 1;
    rules.push(change);
  }

  #compare(
    changes: PolicyFieldChange[],
    keys: readonly PropertyKey[],
    ...[before, after]: readonly [JsonValue | undefined, JsonValue | undefined]
  ): void {
    if (isSame(before, after)) return;
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

function isSame(before: JsonValue | undefined, after: JsonValue | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return canonicalJson(before) === canonicalJson(after);
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
