import { resolve } from "node:path";
import { checkPolicies, policyIdOf } from "@handlebar/engine/check";
import { type FileIssue, formatIssue } from "@handlebar/policies";
import { readPolicyFiles } from "@handlebar/policies/node";
import { type Command, flag, textOption, UsageError } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { readTools } from "../read-tools.ts";
import { count, paint } from "../screen.ts";

/** One thing found, with its place in a file. */
interface Finding extends FileIssue {
  readonly severity: "error" | "warning";
}

export const check: Command = {
  name: "check",
  summary: "Checks policy files: form, expressions, and rules that can never do what they say.",
  usage: "<files or folders...> [--tools <file>] [--json]",
  details: `Errors are what a client would refuse. Warnings are rules that are never true, always true, shadowed by another, or that name
tools and arguments which no registered tool has (with --tools). Exits with 1 when there is an error, 2 when a file cannot be read.`,
  options: { tools: { type: "string" }, json: { type: "boolean" } },
  optionHelp: { tools: "the agent's tools: a list, or a map from names to tags", json: "findings as JSON" },
  run(input, context) {
    if (input.positionals.length === 0) throw new UsageError("name the policy files or folders to check");
    const paths = input.positionals.map((path) => resolve(context.cwd, path));
    const toolsPath = textOption(input, "tools");
    const tools = toolsPath === undefined ? undefined : readTools(toolsPath, context.cwd);
    const { policies, origins, issues, files } = readPolicyFiles(paths);
    const findings: Finding[] = issues.map((issue) => ({ ...issue, severity: "error" }));
    if (issues.length === 0) {
      for (const found of checkPolicies(policies, tools === undefined ? {} : { tools })) {
        const { severity, code, message, fix } = found;
        const index = policies.findIndex((policy) => policyIdOf(policy) === found.policyId);
        const place = origins[index]?.placeOf(found.keys) ?? { file: files[0] ?? "", line: 1, column: 1, path: "" };
        findings.push({ severity, code, message: `${message}; ${fix}`, ...place });
      }
    }
    const errorCount = findings.filter((finding) => finding.severity === "error").length;
    if (flag(input, "json")) context.out(`${JSON.stringify({ files, findings }, undefined, 2)}\n`);
    else {
      for (const finding of findings) {
        const mark =
          finding.severity === "error" ? paint(context, "red", "error") : paint(context, "yellow", "warning");
        context.out(`${formatIssue(finding)} ${mark} ${finding.code}\n`);
      }
      const ruleCount = policies.reduce((sum, policy) => sum + policy.rules.length, 0);
      const warningCount = findings.length - errorCount;
      context.err(
        `${count(files.length, "file")}, ${policies.length} ${policies.length === 1 ? "policy" : "policies"}, ${count(ruleCount, "rule")}: ${count(errorCount, "error")}, ${count(warningCount, "warning")}\n`,
      );
    }
    if (findings.some((finding) => finding.code === "HB_POLICY_FILE_UNREADABLE")) return EXIT.usage;
    return errorCount > 0 ? EXIT.found : EXIT.ok;
  },
};
