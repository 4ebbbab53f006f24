import { relative, resolve } from "node:path";
import { formatIssue, runPolicyCases } from "@handlebar/policies";
import { loadPolicyFiles, readCaseFiles } from "@handlebar/policies/node";
import { type Command, flag } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { paint } from "../screen.ts";

export const test: Command = {
  name: "test",
  summary: "Runs policy cases: what a policy must answer, step by step.",
  usage: "[case files or folders...] [--json]",
  details: `Reads *.cases.yaml below the current folder, or what is named. A case file is about the policy file of the same name beside it, or
about those that it names under \`policies\`. Exits with 1 when a case fails, 2 when a file cannot be used.`,
  options: { json: { type: "boolean" } },
  optionHelp: { json: "results as JSON" },
  run(input, context) {
    const named = input.positionals.length === 0 ? ["."] : input.positionals;
    const { files, issues } = readCaseFiles(named.map((path) => resolve(context.cwd, path)));
    if (issues.length > 0) {
      for (const issue of issues) context.err(`${formatIssue(issue)}\n`);
      return EXIT.usage;
    }
    const reports = files.map(({ file, cases, policyFiles }) => {
      return { file: relative(context.cwd, file), ...runPolicyCases(loadPolicyFiles(policyFiles), cases) };
    });
    const failedCount = reports.reduce((sum, report) => sum + report.failedCount, 0);
    const passedCount = reports.reduce((sum, report) => sum + report.passedCount, 0);
    if (flag(input, "json"))
      context.out(`${JSON.stringify({ passedCount, failedCount, files: reports }, undefined, 2)}\n`);
    else {
      for (const report of reports) {
        context.out(`${paint(context, "bold", report.file)}\n`);
        for (const result of report.results) {
          context.out(
            `  ${result.passed ? paint(context, "green", "passed") : paint(context, "red", "failed")}  ${result.name}\n`,
          );
          for (const failure of result.failures) {
            context.out(`          step ${failure.step}, line ${failure.place.line}: ${failure.message}\n`);
          }
        }
        for (const rule of report.unmatchedRules) {
          context.out(`  ${paint(context, "yellow", "no case")}  meets the rule \`${rule.ruleName}\`\n`);
        }
      }
      context.err(`${passedCount} passed, ${failedCount} failed\n`);
    }
    if (passedCount + failedCount === 0) {
      context.err("there is no case to run\n");
      return EXIT.usage;
    }
    return failedCount > 0 ? EXIT.found : EXIT.ok;
  },
};
