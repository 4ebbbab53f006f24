import { createReplay, type ReplayReport } from "@handlebar/policies";
import { loadPolicyFiles } from "@handlebar/policies/node";
import { say, table } from "./screen.ts";
import { readLines } from "./world.ts";

/** Runs a candidate policy over what was recorded; no tool is called. */
export function replayStricter(auditPath: string, policyPath: string): ReplayReport {
  const replay = createReplay(loadPolicyFiles([policyPath]));
  for (const event of readLines(auditPath)) replay.feed(event);
  return replay.report();
}

export function checkReplay(report: ReplayReport, check: (holds: boolean, what: string) => void): void {
  table([
    ["rule", "blocked", "held", "redacted"],
    ...report.rules.map((rule) => [rule.ruleId, String(rule.blocked), String(rule.held), String(rule.redacted)]),
  ]);
  for (const rule of report.rules)
    for (const example of rule.examples) say(`    ${rule.ruleId}: ${example.tool} ${example.args}`);
  const held = report.rules.find((rule) => rule.ruleId.endsWith("refunds-above-50-need-a-person"))?.held;
  const blocked = report.rules.find((rule) => rule.ruleId.endsWith("no-mail-after-the-web-was-read"))?.blocked;
  check(held === 2, `the candidate would have held 2 refunds, the replay says ${held}`);
  check(blocked === 2, `the candidate would have blocked 2 mails, the replay says ${blocked}`);
}
