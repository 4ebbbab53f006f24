import { createReadStream, statSync } from "node:fs";
import { resolve } from "node:path";
import { createReplay, type Replay } from "@handlebar/policies";
import { loadPolicyFiles } from "@handlebar/policies/node";
import { parseValue, slugSchema } from "@handlebar/protocol";
import { API_OPTION_HELP } from "../api-client.ts";
import {
  type Command,
  type CommandContext,
  type CommandInput,
  flag,
  textOption,
  textOptions,
  UsageError,
} from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { type Line, linesOf } from "../lines.ts";
import { createProgress, type Progress } from "../progress.ts";
import { readTools, reasonOf } from "../read-tools.ts";
import { printReport } from "../replay-screen.ts";
import { count } from "../screen.ts";
import { replayOnServer, SERVER_ONLY } from "../server-replay.ts";

/** Bad lines that are named one by one; more are only counted. */
const BAD_LINE_COUNT_MAX = 10;

export const replay: Command = {
  name: "replay",
  summary: "Shows what policies would have answered on recorded traffic.",
  usage:
    "--policies <file or folder> [--policies ...] [--tools <file>] [--agent <slug>] [--json] (<traffic.jsonl...> | --server [url] --since <time>)",
  details: `Reads audit events, or plain rows with run_id, tool, args and, where known, step, result, error, prompt, ts, agent, actor,
session_id, tags, run_tags, context, metrics; other fields are not read. The replay has state: counters, sequences, windows and labels
are what they were, since what ran then counts as having run. It calls no tool. In rows without ts a run begins at 0 and its calls are a
second apart. Exits with 0 whatever the policies would have done, 1 when a line could not be read, 2 when none could.

With --server the control plane replays what it has recorded since a time, by the policies of the files together with those in force; without
--policies by those in force. What came before that time is read as far as windows reach, and not counted. Interrupting it cancels it.`,
  options: {
    policies: { type: "string", multiple: true },
    tools: { type: "string" },
    agent: { type: "string" },
    json: { type: "boolean" },
    "fail-closed": { type: "boolean" },
    server: { type: "string", isValueOptional: true },
    "api-key": { type: "string" },
    since: { type: "string" },
    until: { type: "string" },
    actor: { type: "string" },
    session: { type: "string" },
    alone: { type: "boolean" },
    "lead-in": { type: "string" },
  },
  optionHelp: {
    ...API_OPTION_HELP,
    policies: "the candidate: a file or folder; may be given several times",
    tools: "the agent's tools and their tags: a list, or a map from names to tags",
    agent: "the agent of rows that name none (default: agent); with --server, events of this agent alone",
    json: "the report as JSON",
    "fail-closed": "decide as a client with failClosed does",
    server: "replay what a control plane recorded (HANDLEBAR_API_ENDPOINT; default http://127.0.0.1:4747)",
    since: "with --server: from this time on, such as 2026-01-31T09:00:00Z, or 7d, 12h, 30m ago",
    until: "with --server: before this time (default: now)",
    actor: "with --server: events of this actor alone, by its external id",
    session: "with --server: events of this session alone",
    alone: "with --server: by the policies of the files alone",
    "lead-in":
      "with --server: read so much before --since as well, such as 1h (default: the longest window, at most a day)",
  },
  run(input, context) {
    if (textOption(input, "server") !== undefined) return replayOnServer(input, context);
    const misplaced = SERVER_ONLY.find((name) => input.values[name] !== undefined);
    if (misplaced !== undefined) throw new UsageError(`\`--${misplaced}\` is for a control plane; add --server`);
    return replayFiles(input, context);
  },
};

async function replayFiles(input: CommandInput, context: CommandContext): Promise<number> {
  const policyPaths = textOptions(input, "policies");
  if (policyPaths.length === 0) throw new UsageError("name the candidate with --policies");
  if (input.positionals.length === 0) throw new UsageError("name the recorded traffic, a .jsonl file, or use --server");
  const toolsPath = textOption(input, "tools");
  const files = input.positionals.map((path) => ({ path: resolve(context.cwd, path), shown: path }));
  for (const file of files) checkFile(file);
  const agent = agentOf(textOption(input, "agent"));
  const run = createReplay(loadPolicyFiles(policyPaths.map((path) => resolve(context.cwd, path))), {
    failClosed: flag(input, "fail-closed"),
    ...(agent === undefined ? {} : { agent }),
    ...(toolsPath === undefined ? {} : { tools: readTools(toolsPath, context.cwd) }),
  });
  const bad = await feedFiles(run, files, context);
  const report = run.report();
  if (flag(input, "json")) context.out(`${JSON.stringify(report, undefined, 2)}\n`);
  else printReport(report, context);
  if (bad.count === 0) return EXIT.ok;
  context.err(`${count(bad.count, "line")} could not be read\n`);
  return bad.goodCount === 0 ? EXIT.usage : EXIT.found;
}

function agentOf(slug: string | undefined): { readonly slug: string } | undefined {
  if (slug === undefined) return undefined;
  const parsed = parseValue(slugSchema, slug);
  if (!parsed.ok) throw new UsageError(`\`${slug}\` is no agent's slug; ${parsed.issues[0]?.message ?? ""}`);
  return { slug };
}

interface TrafficFile {
  readonly path: string;
  /** As it was named. */
  readonly shown: string;
}

function checkFile({ path, shown }: TrafficFile): void {
  try {
    if (!statSync(path).isFile()) throw new UsageError(`\`${shown}\` is not a file`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`\`${shown}\` cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

interface Fed {
  /** Lines that could not be read. */
  readonly count: number;
  readonly goodCount: number;
}

async function feedFiles(run: Replay, files: readonly TrafficFile[], context: CommandContext): Promise<Fed> {
  const totalBytes = files.reduce((sum, { path }) => sum + statSync(path).size, 0);
  const progress = createProgress(context, totalBytes);
  let badCount = 0;
  let goodCount = 0;
  for (const { path, shown } of files) {
    for await (const line of linesOf(readChunks(path, progress))) {
      if (line.text?.trim() === "") continue;
      const reason = feedLine(run, line);
      if (reason === undefined) goodCount += 1;
      else badCount += 1;
      if (reason === undefined || badCount > BAD_LINE_COUNT_MAX) continue;
      progress.clear();
      context.err(`${shown}:${line.number}: ${reason}\n`);
    }
  }
  progress.clear();
  return { count: badCount, goodCount };
}

async function* readChunks(path: string, progress: Progress): AsyncGenerator<string> {
  const chunks: AsyncIterable<string> = createReadStream(path, "utf8");
  for await (const chunk of chunks) {
    progress.add(Buffer.byteLength(chunk));
    yield chunk;
  }
}

/** Gives why a line cannot be read. */
function feedLine(run: Replay, { text }: Line): string | undefined {
  if (text === undefined) return "is too long";
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch {
    return "is not JSON";
  }
  const fed = run.feed(row);
  return fed.ok ? undefined : `${fed.reason}; see \`handlebar help replay\``;
}
