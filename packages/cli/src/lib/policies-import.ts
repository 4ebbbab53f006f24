import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { importLegacyPolicies, printPolicies } from "@handlebar/policies";
import { type CommandContext, UsageError } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { policiesText } from "./policies-screen.ts";
import { reasonOf } from "./read-tools.ts";
import { count, paint } from "./screen.ts";

/** Translates files in the first format and prints policies; exits with 1 when a rule had to be left out. */
export function importPolicies(paths: readonly string[], context: CommandContext): number {
  if (paths.length === 0) throw new UsageError("name the files to import");
  const imports = paths.map((path) => importLegacyPolicies(readJson(path, context.cwd)));
  const policies = imports.flatMap((one) => one.policies);
  const notes = imports.flatMap((one) => one.notes);
  if (policies.length > 0) context.out(printPolicies(policies));
  for (const { policy, rule, kind, message } of notes) {
    const mark = kind === "left-out" ? paint(context, "red", "left out") : paint(context, "yellow", "changed");
    context.err(`${mark} ${policy}${rule === undefined ? "" : ` / ${rule}`}: ${message}\n`);
  }
  const leftOut = notes.filter(({ kind }) => kind === "left-out").length;
  const ruleCount = policies.reduce((sum, policy) => sum + policy.rules.length, 0);
  context.err(`${policiesText(policies.length)}, ${count(ruleCount, "rule")}; ${count(leftOut, "rule")} left out\n`);
  return leftOut > 0 ? EXIT.found : EXIT.ok;
}

function readJson(path: string, cwd: string): unknown {
  try {
    return JSON.parse(readFileSync(resolve(cwd, path), "utf8"));
  } catch (error) {
    const why = error instanceof SyntaxError ? "it is not JSON" : reasonOf(error);
    throw new UsageError(`\`${path}\` cannot be read: ${why}`, { cause: error });
  }
}
