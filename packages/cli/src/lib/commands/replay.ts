import { createReadStream, statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { createInterface } from "node:readline";
import { createReplay, type Replay, type ReplayReport } from "@handlebar/policies";
import { loadPolicyFiles } from "@handlebar/policies/node";
import { type Command, type CommandContext, flag, textOption, textOptions, UsageError } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { createProgress, type Progress } from "../progress.ts";
import { readTools, reasonOf } from "../read-tools.ts";
import { count, paint, table } from "../screen.ts";

/** Bad lines that are named one by one; more are only counted. */
const BAD_LINE_COUNT_MAX = 10;

export const replay: Command = {
  name: "replay",
  summary: "Shows what policies would have answered on recorded traffic.",
  usage: "--policies <file or folder> [--policies ...] [--tools <file>] [--json] <traffic.jsonl...>",
  details: `Reads audit events, or plain rows with run_id, tool, args and, where known, step, result, error, prompt, ts, tags, actor. The replay has
state: counters, sequences, windows and labels are what they were, since what ran then counts as having run. It calls no tool.
Rows without \`ts\` are a second apart. Exits with 0 whatever the policies would have done, 1 when a line could not be read.`,
  options: {
    policies: { type: "string", multiple: true },
    tools: { type: "string" },
    json: { type: "boolean" },
    "fail-closed": { type: "boolean" },
  },
  optionHelp: {
    policies: "the candidate; may be given several times",
    tools: "the agent's tools and their tags: a list, or a map from names to tags",
    json: "the report as JSON",
    "fail-closed": "decide as a client with failClosed does",
  },
  async run(input, context) {
    const policyPaths = textOptions(input, "policies");
    if (policyPaths.length === 0) throw new UsageError("name the candidate with --policies");
    if (input.positionals.length === 0) throw new UsageError("name the recorded traffic, a .jsonl file");
    const toolsPath = textOption(input, "tools");
    const files = input.positionals.map((path) => ({ path: resolve(context.cwd, path), shown: path }));
    for (const file of files) checkFile(file);
    const run = createReplay(loadPolicyFiles(policyPaths.map((path) => resolve(context.cwd, path))), {
      failClosed: flag(input, "fail-closed"),
      ...(toolsPath === undefined ? {} : { tools: readTools(toolsPath, context.cwd) }),
    });
    const totalBytes = files.reduce((sum, { path }) => sum + statSync(path).size, 0);
    const progress = createProgress(context, totalBytes);
    let badCount = 0;
    for (const file of files) badCount += await feedFile(run, file, { context, progress, badBefore: badCount });
    progress.done();
    const report = run.report();
    if (flag(input, "json")) context.out(`${JSON.stringify(report, undefined, 2)}\n`);
    else printReport(report, context);
    if (badCount > BAD_LINE_COUNT_MAX)
      context.err(`and ${badCount - BAD_LINE_COUNT_MAX} more lines that could not be read\n`);
    return badCount > 0 ? EXIT.found : EXIT.ok;
  },
};

function checkFile({ path, shown }: { readonly path: string; readonly shown: string }): void {
  try {
    if (!statSync(path).isFile()) throw new UsageError(`\`${shown}\` is not a file`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`\`${shown}\` cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

async function feedFile(
  run: Replay,
  file: { readonly path: string; readonly shown: string },
  with_: { readonly context: CommandContext; readonly progress: Progress; readonly badBefore: number },
): Promise<number> {
  const { context, progress, badBefore } = with_;
  let lineNumber = 0;
  let badCount = 0;
  const lines = createInterface({ input: createReadStream(file.path), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    lineNumber += 1;
    progress.add(Buffer.byteLength(line) + 1);
    if (line.trim() === "") continue;
    const row = parseLine(line);
    if (row.ok && run.feed(row.value)) continue;
    badCount += 1;
    if (badBefore + badCount > BAD_LINE_COUNT_MAX) continue;
    context.err(
      `${relative(context.cwd, file.path)}:${lineNumber}: ${row.ok ? "is no traffic row; see `handlebar help replay`" : "is not JSON"}\n`,
    );
  }
  return badCount;
}

function parseLine(line: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  try {
    return { ok: true, value: JSON.parse(line) };
  } catch {
    return { ok: false };
  }
}

function printReport(report: ReplayReport, context: CommandContext): void {
  const { answers, changed } = report;
  context.out(
    `${count(report.runs, "run")}, ${count(report.calls, "tool call")}, ${count(report.modelCalls, "model call")}: ` +
      `${answers.allowed} allowed, ${answers.held} held, ${answers.blocked} blocked, ${answers.terminated} ending their run\n`,
  );
  context.out(`beside the record: ${changed.stricter} stricter, ${changed.milder} milder\n\n`);
  context.out(
    table([
      ["rule", "blocked", "held", "redacted"],
      ...report.rules.map((rule) => [ruleName(rule), rule.blocked, rule.held, rule.redacted]),
    ]),
  );
  for (const rule of report.rules) {
    if (rule.examples.length === 0) continue;
    context.out(`\n  ${paint(context, "bold", ruleName(rule))}\n`);
    for (const example of rule.examples) context.out(`    ${example.runId}  ${example.tool} ${example.args}\n`);
  }
  for (const [reason, number] of Object.entries(report.skipped))
    context.err(`${count(number, "line")} skipped: ${reason}\n`);
}

function ruleName(rule: ReplayReport["rules"][number]): string {
  return rule.mode === "shadow" ? `${rule.ruleId} (shadow)` : rule.ruleId;
}
