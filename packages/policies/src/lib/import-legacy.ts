import {
  HandlebarError,
  type Policy,
  parseValue,
  policySchema,
  type Rule,
  ruleSchema,
  type ToolSelector,
} from "@handlebar/protocol";
import { fieldsOf, type Notes, textOf, textsOf, translateCondition, Untranslatable } from "./legacy-condition.ts";

/** Something that the author should look at. */
export interface ImportNote {
  /** The policy's name. */
  readonly policy: string;
  /** The rule's name; absent when it is about the policy. */
  readonly rule?: string | undefined;
  /** `left-out`: the rule could not be said and is missing. `changed`: it means something slightly different. */
  readonly kind: "left-out" | "changed";
  readonly message: string;
}

/** What became of policies in the first format. */
export interface LegacyImport {
  readonly policies: readonly Policy[];
  readonly notes: readonly ImportNote[];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Translates policies of Handlebar's first format into today's: a `{ policy, rules }` as its API took them, or a list of those. A rule that
 * today's language cannot say is left out and noted, never guessed.
 *
 * Names of tools and tags were compared without case there and are compared with it here, except in `toolName` conditions; arguments
 * of another type than a condition's were passed over there and count as unknown here, so that a block matches.
 *
 * @throws HandlebarError `HB_POLICY_INVALID` where it is not of that form.
 */
export function importLegacyPolicies(value: unknown): LegacyImport {
  const notes: ImportNote[] = [];
  const policies = (Array.isArray(value) ? value : [value]).map((one, at) => importPolicy(one, at, notes));
  return { policies, notes };
}

function importPolicy(value: unknown, at: number, notes: ImportNote[]): Policy {
  try {
    const { policy: head, rules } = fieldsOf(value, "the policy");
    const policy = fieldsOf(head, "`policy`");
    if (!Array.isArray(rules)) throw new Untranslatable("`rules` must be a list");
    const name = textOf(policy, "name");
    const onMissing = policy["onMissingDefault"];
    const imported = rules.flatMap((rule: unknown) => importRule(rule, { policy: name, onMissing, notes }));
    const parsed = parseValue(policySchema, { ...policyFields(policy, name), rules: withOwnIds(imported) });
    if (parsed.ok) return parsed.value;
    const [issue] = parsed.issues;
    throw new Untranslatable(`${issue?.path ?? ""} ${issue?.message ?? ""}`.trim());
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    throw invalid(at, error);
  }
}

function invalid(at: number, cause: Untranslatable): HandlebarError {
  const message = `[${at}]: ${cause.message}; give \`{ policy, rules }\` as the first API took it`;
  return new HandlebarError("HB_POLICY_INVALID", message, { cause });
}

function policyFields(policy: Fields, name: string): Fields {
  const selector = policy["agentSelector"] === undefined ? {} : fieldsOf(policy["agentSelector"], "`agentSelector`");
  const agents = withoutEmpty(selector);
  return {
    ...(typeof policy["id"] === "string" ? { id: policy["id"] } : {}),
    name,
    ...(typeof policy["description"] === "string" ? { description: policy["description"] } : {}),
    ...(policy["enabled"] === false ? { enabled: false } : {}),
    ...(policy["mode"] === "shadow" ? { mode: "shadow" } : {}),
    ...(Object.keys(agents).length === 0 ? {} : { agents }),
  };
}

interface RuleScope {
  readonly policy: string;
  /** The policy's `onMissingDefault`. */
  readonly onMissing: unknown;
  readonly notes: ImportNote[];
}

function importRule(value: unknown, { policy, onMissing, notes }: RuleScope): readonly Rule[] {
  let name = "";
  const note: Notes = (message) => {
    notes.push({ policy, rule: name, kind: "changed", message });
  };
  try {
    const rule = fieldsOf(value, "a rule");
    name = textOf(rule, "name");
    const translated = translateRule(rule, { onMissing, note });
    const parsed = parseValue(ruleSchema, translated);
    if (parsed.ok) return [parsed.value];
    const [issue] = parsed.issues;
    throw new Untranslatable(`${issue?.path ?? ""} ${issue?.message ?? ""}`.trim());
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    notes.push({ policy, rule: name, kind: "left-out", message: error.message });
    return [];
  }
}

function translateRule(rule: Fields, given: { readonly onMissing: unknown; readonly note: Notes }): Fields {
  const selector = fieldsOf(rule["selector"], "`selector`");
  const phase = textOf(selector, "phase");
  const tool = toolSelector(selector["tool"], given.note);
  const condition = rule["condition"] === undefined ? true : translateCondition(rule["condition"], given.note);
  if (condition === false) throw new Untranslatable("its condition never holds");
  const effect = fieldsOf(rule["effect"], "`effect`");
  const missing = rule["onMissing"] ?? given.onMissing;
  return {
    ...(typeof rule["id"] === "string" ? { id: rule["id"] } : {}),
    name: rule["name"],
    ...(rule["enabled"] === false ? { enabled: false } : {}),
    ...(typeof rule["priority"] === "number" && rule["priority"] !== 0 ? { priority: rule["priority"] } : {}),
    on: phase,
    ...(tool === undefined ? {} : { tool }),
    ...(condition === true ? {} : { when: condition }),
    effect: {
      type: effect["type"],
      ...(typeof effect["reason"] === "string" && effect["reason"] !== "" ? { reason: effect["reason"] } : {}),
    },
    ...(missing === undefined ? {} : { onUnavailable: missing === "allow" ? "skip" : "match" }),
  };
}

function toolSelector(value: unknown, note: Notes): ToolSelector | undefined {
  if (value === undefined) return undefined;
  const fields = withoutEmpty(fieldsOf(value, "`tool`"));
  const selector: ToolSelector = {
    ...(fields["name"] === undefined ? {} : { name: nameOf(fields) }),
    ...(fields["tagsAny"] === undefined ? {} : { tagsAny: [...textsOf(fields, "tagsAny")] }),
    ...(fields["tagsAll"] === undefined ? {} : { tagsAll: [...textsOf(fields, "tagsAll")] }),
  };
  const names = typeof selector.name === "string" ? [selector.name] : (selector.name ?? []);
  if (names.some((name) => name.includes("?")))
    note("`?` in a tool's name stood for itself and now stands for any character");
  return Object.keys(selector).length === 0 ? undefined : selector;
}

function nameOf(fields: Fields): string | string[] {
  const names = textsOf(fields, "name");
  return typeof fields["name"] === "string" ? fields["name"] : [...names];
}

/** An empty list selected everything. */
function withoutEmpty(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** Rules were told apart by ids of the platform; here two of one name would have one id. */
function withOwnIds(rules: readonly Rule[]): readonly Rule[] {
  const seen = new Map<string, number>();
  return rules.map((rule) => {
    if (rule.id !== undefined) return rule;
    const count = (seen.get(rule.name) ?? 0) + 1;
    seen.set(rule.name, count);
    return count === 1 ? rule : { ...rule, name: `${rule.name} (${count})` };
  });
}
