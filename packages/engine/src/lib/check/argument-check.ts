import type { JsonValue, ToolArgCondition } from "@handlebar/protocol";
import { parsePath } from "../path.ts";
import { foldCase } from "../text-case.ts";
import { compileToolMatcher } from "../tool-matcher.ts";
import type { PlacedLeaf, PlacedRule } from "./condition-walk.ts";
import { nameFix } from "./known-names.ts";
import type { FindingPlace, Findings } from "./policy-finding.ts";
import { readSchemaPath, type SchemaReading } from "./schema-path.ts";
import type { KnownTool } from "./tool-check.ts";

/** Reports paths and comparisons that fit the argument schema of no tool that the rule selects. */
export function checkArguments(rules: readonly PlacedRule[], tools: readonly KnownTool[], findings: Findings): void {
  for (const placed of rules) {
    if (findings.hasError(placed.policyIndex, placed.rule)) continue;
    const { policyIndex, policy, rule, keys, leaves, phases } = placed;
    const matcher = compileToolMatcher(rule.tool);
    const check: ArgumentCheck = {
      place: { policyIndex, policy, rule, keys },
      tools: tools.filter(({ facts }) => matcher.matches(facts)),
      findings,
    };
    if (check.tools.length === 0) continue;
    for (const leaf of leaves) checkLeaf(leaf, check);
    // After the call, paths lead into what it returned.
    if (rule.effect.type !== "redact" || phases.some((phase) => phase !== "tool.before")) continue;
    for (const [at, { paths = [] }] of rule.effect.redact.entries()) {
      for (const [number, path] of paths.entries()) {
        checkPath(path, [...keys, "effect", "redact", at, "paths", number], check);
      }
    }
  }
}

interface ArgumentCheck {
  readonly place: FindingPlace;
  readonly tools: readonly KnownTool[];
  readonly findings: Findings;
}

type Keys = readonly PropertyKey[];

function checkLeaf({ leaf, keys }: PlacedLeaf, check: ArgumentCheck): void {
  if (leaf.kind === "toolArg" && leaf.in !== "result") {
    const readings = checkPath(leaf.path, [...keys, "path"], check);
    if (readings.length > 0) checkComparison(leaf, keys, { ...check, readings });
  }
  if (leaf.kind === "argFrom") {
    for (const [at, path] of leaf.paths.entries()) checkPath(path, [...keys, "paths", at], check);
  }
  if (leaf.kind === "sensitiveData" && leaf.in === "args" && leaf.path !== undefined) {
    checkPath(leaf.path, [...keys, "path"], check);
  }
}

/** What the schemas that know the path say of it. */
function checkPath(text: string, keys: Keys, { place, tools, findings }: ArgumentCheck): readonly SchemaReading[] {
  const path = parsePath(text);
  if (typeof path === "string") return [];
  const readings = tools.flatMap(({ argsSchema }) =>
    argsSchema === undefined ? [ANYTHING] : [readSchemaPath(argsSchema, path)],
  );
  const known = readings.filter(({ isUnknown }) => !isUnknown);
  if (known.length > 0) return known;
  const missing = readings.map((reading) => reading.missing).filter((one) => one !== undefined);
  const name = missing[0]?.name ?? text;
  const names = [...new Set(missing.flatMap((one) => one.names))];
  const whose =
    tools.length === 1 ? `the arguments of \`${tools[0]?.facts.name}\` have` : "no selected tool's arguments have";
  const message = `${whose} ${tools.length === 1 ? "no" : "a"} \`${text}\``;
  findings.warn({ ...place, keys }, "HB_POLICY_ARG_UNKNOWN", {
    message,
    fix: nameFix(name, names, "correct the path or the tool's argument schema"),
  });
  return [];
}

const ANYTHING: SchemaReading = { isUnknown: false, types: undefined, values: undefined, missing: undefined };

function checkComparison(
  condition: ToolArgCondition,
  keys: Keys,
  { place, findings, readings }: ArgumentCheck & { readonly readings: readonly SchemaReading[] },
): void {
  const { type } = condition;
  if (type === "any") return;
  const isFitting = readings.some(({ types }) => types === undefined || types.has(type));
  if (!isFitting) {
    const types = [...new Set(readings.flatMap(({ types: own }) => [...(own ?? [])]))].sort();
    const message = `\`${condition.path}\` is compared as ${type}, and its schema says ${types.join(" or ")}`;
    const says = { message, fix: `compare it as ${types[0] ?? "what it is"}` };
    findings.warn({ ...place, keys: [...keys, "type"] }, "HB_POLICY_ARG_TYPE_MISMATCH", says);
    return;
  }
  if (condition.op !== "eq" && condition.op !== "in") return;
  const operands: readonly JsonValue[] = typeof condition.value === "object" ? condition.value : [condition.value];
  const isFolded = condition.type === "string" && condition.ignoreCase === true;
  const plain = (value: JsonValue): JsonValue => (isFolded && typeof value === "string" ? foldCase(value) : value);
  const strange = operands.filter((operand) =>
    readings.every(({ values }) => values?.some((value) => plain(value) === plain(operand)) === false),
  );
  if (strange.length === 0) return;
  const listed = [...new Set(readings.flatMap(({ values }) => values ?? []))].map((value) => JSON.stringify(value));
  const message = `\`${condition.path}\` can never be ${strange.map((value) => JSON.stringify(value)).join(" or ")}`;
  const fix = nameFix(
    String(strange[0]),
    listed.map((text) => text.replace(/^"|"$/g, "")),
    "correct the schema",
  );
  findings.warn({ ...place, keys: [...keys, "value"] }, "HB_POLICY_ARG_TYPE_MISMATCH", { message, fix });
}
