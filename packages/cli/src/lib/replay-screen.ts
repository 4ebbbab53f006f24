import type { ReplayAnswers, ReplayReport, ReplayRule } from "@handlebar/policies";
import type { CommandContext } from "./command.ts";
import { count, paint, table } from "./screen.ts";

/** Prints a report for people: data to standard output, what to know about it to standard error. */
export function printReport(report: ReplayReport, context: CommandContext): void {
  const { out } = context;
  const { changed, answers } = report;
  const amounts = `${count(report.runs, "run")}, ${count(report.calls, "tool call")}, ${count(report.modelCalls, "model call")}`;
  out(`${amounts}: ${answersText(answers)}\n`);
  if (report.policies.some((policy) => policy.mode === "shadow")) {
    out(`with shadow policies enforced: ${answersText(report.answersWithShadow)}\n`);
  }
  out(`beside the record: ${changed.stricter} stricter, ${changed.milder} milder\n\n`);
  out(
    table([
      ["rule", "asked", "blocked", "held", "redacted", "ending runs"],
      ...report.rules.map((rule) => [
        nameOf(rule),
        rule.asked,
        rule.blocked,
        rule.held,
        rule.redacted,
        rule.terminated,
      ]),
    ]),
  );
  for (const rule of report.rules) printExamples(nameOf(rule), rule.examples, context);
  const milder = changed.examples.filter((example) => example.recorded === "blocked");
  printExamples("blocked in the record, and not by these policies", milder, context);
  printNotes(report, context);
}

function answersText({ allowed, held, blocked, terminated }: ReplayAnswers): string {
  return `${allowed} allowed, ${held} held, ${blocked} blocked, ${terminated} ending their run`;
}

function nameOf(rule: ReplayRule): string {
  return rule.mode === "shadow" ? `${rule.ruleId} (shadow)` : rule.ruleId;
}

function printExamples(title: string, examples: ReplayRule["examples"], context: CommandContext): void {
  if (examples.length === 0) return;
  context.out(`\n  ${paint(context, "bold", title)}\n`);
  for (const { runId, step, tool, args } of examples) {
    const place = step === undefined ? runId : `${runId} step ${step}`;
    context.out(`    ${printable([place, tool, args].filter((part) => part !== "").join("  "))}\n`);
  }
}

/** Recorded text must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, "\uFFFD");
}

/** What may make the figures other than they look. */
function printNotes(report: ReplayReport, context: CommandContext): void {
  const { gaps } = report;
  const notes = [
    ...report.rules
      .filter((rule) => rule.asked === 0 && report.calls > 0)
      .map((rule) => `\`${rule.ruleId}\` was asked about no call: its agents, tools or tags are not in the record`),
    ...gaps.missing.map((what) => `${what}: not recorded, so that rules which ask for it do what their onUnknown says`),
  ];
  if (gaps.incomplete > 0) {
    notes.push(`${count(gaps.incomplete, "record")} with masked or missing values: conditions see what is left`);
  }
  if (gaps.lostEvents > 0) notes.push(`${count(gaps.lostEvents, "event")} lost before they were recorded`);
  if (gaps.cutRuns > 0)
    notes.push(`${count(gaps.cutRuns, "run")} began before the record: what they did until then is not known`);
  if (report.forgottenRuns > 0) {
    notes.push(`${count(report.forgottenRuns, "run")} forgotten before their end: too many were open at once`);
  }
  if (notes.length > 0) context.err("\n");
  for (const note of notes) context.err(`${paint(context, "yellow", "note")} ${printable(note)}\n`);
  if (report.rules.some((rule) => rule.asked === 0) && report.calls > 0) {
    context.err("name tags of tools with --tools and the agent of plain rows with --agent\n");
  }
}
