import { policyIdOf } from "@handlebar/engine/check";
import { printPolicies } from "@handlebar/policies";
import type {
  JsonValue,
  Policy,
  PolicyChanges,
  PolicyDiff,
  PolicyFieldChange,
  RegisteredFinding,
  RuleChange,
} from "@handlebar/protocol";
import type { CommandContext } from "./command.ts";
import { printDiff } from "./policies-screen.ts";
import { paint, plainText, table } from "./screen.ts";

/** Characters of a value in the summary; the lines beneath have all of it. */
const VALUE_LENGTH_MAX = 60;
const RULE_LOOKS = {
  added: { mark: "+", colour: "green" },
  removed: { mark: "-", colour: "red" },
  changed: { mark: "~", colour: "yellow" },
} as const;

/** Prints which versions are compared: when, by whom and why. */
export function printVersions({ policyId, from, to }: PolicyDiff, context: CommandContext): void {
  context.out(
    `${policyId}: ${from.version === 0 ? "before the first version" : `version ${from.version}`} -> version ${to.version}\n`,
  );
  const rows = [from, to]
    .filter(({ version }) => version > 0)
    .map((side) => [
      `v${side.version}`,
      side.createdAt ?? "",
      plainText(side.by ?? side.createdBy ?? ""),
      side.policy === undefined ? "(deleted)" : plainText(side.comment ?? ""),
    ]);
  context.out(table(rows));
}

/** Prints what changed, field by field and rule by rule, and then line by line. */
export function printComparison(
  { before, after, changes }: { before: Policy | undefined; after: Policy | undefined; changes: PolicyChanges },
  context: CommandContext,
): void {
  // Of what comes or goes as a whole the lines say it all.
  if (before !== undefined && after !== undefined) {
    for (const field of changes.fields) context.out(`  ${paint(context, "yellow", "~")} ${fieldText(field)}\n`);
    for (const rule of changes.rules) printRule(rule, context);
    if (changes.leftOutCount > 0) context.out(`  and ${changes.leftOutCount} more\n`);
    if (changes.fields.length + changes.rules.length > 0) context.out("\n");
  }
  printDiff(textOf(before), textOf(after), context);
}

/** Prints what is odd about registered agents. */
export function printAgentFindings(findings: readonly RegisteredFinding[], context: CommandContext): void {
  for (const { code, message, fix, tools = [], toolCount = tools.length } of findings) {
    const more = toolCount > tools.length ? ` and ${toolCount - tools.length} more` : "";
    const which = tools.length > 1 ? ` (${tools.map(plainText).join(", ")}${more})` : "";
    context.out(`${plainText(message)}${which}; ${fix} ${paint(context, "yellow", "warning")} ${code}\n`);
  }
}

function printRule({ ruleId, change, fields }: RuleChange, context: CommandContext): void {
  const { mark, colour } = RULE_LOOKS[change];
  context.out(
    `  ${paint(context, colour, `${mark} rule ${plainText(ruleId)}`)}${change === "changed" ? "" : ` ${change}`}\n`,
  );
  for (const field of fields) context.out(`      ${fieldText(field)}\n`);
}

function fieldText({ path, before, after }: PolicyFieldChange): string {
  const name = plainText(path);
  if (before === undefined) return `${name}: added ${valueText(after)}`;
  return after === undefined
    ? `${name}: removed ${valueText(before)}`
    : `${name}: ${valueText(before)} -> ${valueText(after)}`;
}

function valueText(value: JsonValue | undefined): string {
  const text = plainText(JSON.stringify(value) ?? "");
  return text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX)}...`;
}

function textOf(policy: Policy | undefined): string {
  return policy === undefined ? "" : printPolicies([{ ...policy, id: policyIdOf(policy) }]);
}
