import type { AttackResult, AttackResults } from "@handlebar/testing";
import { readResultsFiles } from "./results-files.ts";

const BEGIN = "<!-- table of attacks: made by scripts/integration-map.ts from the results of the attack suites -->";
const END = "<!-- end of the table of attacks -->";
export const APPROVALS_PAGE = "docs/concepts/approvals.md";

/** From what they share to what each adds. */
const ORDER: readonly string[] = [
  "core",
  "core, deciding on the control plane",
  "hand-written loop",
  "AI SDK 6",
  "AI SDK 7",
  "LangChain",
  "OpenAI Agents",
];

/** The document with the table as the checked-in results have it. */
export function withAttackTable(document: string): string {
  const [start, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`${APPROVALS_PAGE} has lost the marks between which the table stands`);
  return `${document.slice(0, start)}${BEGIN}\n\n${attackTable(readAttackResults())}\n\n${document.slice(end)}`;
}

export function readAttackResults(): readonly AttackResults[] {
  return readResultsFiles<AttackResults>("approval-attacks");
}

/** One row for each attack, one column for what was attacked; below it, why an attack has no place where it has none. */
export function attackTable(results: readonly AttackResults[]): string {
  const names = columnsOf(results);
  const notes: string[] = [];
  const [first] = results;
  const rows = (first?.attacks ?? []).map(({ attack, outcome }) => {
    const cells = names.map((name) => cellOf(attack, { of: results.filter(({ column }) => column === name), notes }));
    return `| ${escaped(attack)} | ${escaped(outcome)} | ${cells.join(" | ")} |`;
  });
  const ways = names.map((name) => {
    const of = results.filter(({ column }) => column === name);
    return `- ${name}: ${of.map(({ framework }) => framework).join(", ")}; ${waysOf(of).join("; ")}`;
  });
  return [
    `| attack | outcome | ${names.join(" | ")} |`,
    `| --- | --- | ${names.map(() => "---").join(" | ")} |`,
    ...rows,
    "",
    "Tried on:",
    "",
    ...ways,
    ...(notes.length === 0 ? [] : ["", ...notes.map((note, at) => `[${at + 1}] not possible here, ${note}`)]),
  ].join("\n");
}

export function columnsOf(results: readonly AttackResults[]): readonly string[] {
  const found = [...new Set(results.map(({ column }) => column))];
  return found.toSorted((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
}

function cellOf(
  attack: string,
  { of, notes }: { readonly of: readonly AttackResults[]; readonly notes: string[] },
): string {
  const found = of.map(({ framework, attacks }) => ({ framework, one: attacks.find((row) => row.attack === attack) }));
  if (found.some(({ one }) => one === undefined)) return "not tried";
  const marks = found.flatMap(({ framework, one }) =>
    reasonsOf(one).map((reason) => noteOf(`${framework}, ${reason}`, notes)),
  );
  const isTried = found.some(({ one }) => (one?.ways.length ?? 0) > 0);
  return [isTried ? "yes" : "not possible", ...marks].join(" ");
}

function reasonsOf(one: AttackResult | undefined): readonly string[] {
  return Object.entries(one?.notPossible ?? {}).map(([reason, ways]) => `${ways.join(", ")}: ${reason}`);
}

function noteOf(text: string, notes: string[]): string {
  const known = notes.indexOf(text);
  return `[${known < 0 ? notes.push(text) : known + 1}]`;
}

/** Every way in which something was tried; that runs have two kinds of owner is said above the table. */
function waysOf(results: readonly AttackResults[]): readonly string[] {
  const ways = results.flatMap(({ attacks }) => attacks.flatMap((one) => one.ways));
  return [...new Set(ways.map((way) => way.replace(/, \w+'s run$/, "")))].map((way) => `\`${way}\``);
}

const escaped = (text: string): string => text.replaceAll("|", "\\|");
