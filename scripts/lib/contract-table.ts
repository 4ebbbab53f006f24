import { ADAPTER_CONTRACT_CASES, type AdapterCaseResult, type AdapterContractResults } from "@handlebar/testing";
import { readResultsFiles } from "./results-files.ts";

const BEGIN = "<!-- contract table: made by scripts/integration-map.ts from the results of the contract suite -->";
const END = "<!-- end of the contract table -->";
export const MAP = "docs/concepts/integration-map.md";

/** What one adapter's suite came to, on each version of its framework that it keeps results of. */
interface Column {
  readonly adapter: string;
  readonly results: readonly AdapterContractResults[];
}

/** The document with the table as the checked-in results have it. */
export function withContractTable(document: string): string {
  const [start, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`${MAP} has lost the marks between which the contract table stands`);
  return `${document.slice(0, start)}${BEGIN}\n\n${contractTable(readColumns())}\n\n${document.slice(end)}`;
}

/** One row for each case, one column for each adapter. */
export function contractTable(columns: readonly Column[]): string {
  const names = columns.map(({ adapter }) => adapter);
  return [
    `| case | ${names.join(" | ")} |`,
    `| --- | ${names.map(() => "---").join(" | ")} |`,
    ...ADAPTER_CONTRACT_CASES.map(({ id, title }) => {
      const cells = columns.map(({ results }) => cellOf(id, results));
      return `| \`${id}\`: ${escaped(title)} | ${cells.join(" | ")} |`;
    }),
  ].join("\n");
}

/** What the columns were seen on. */
export function frameworksOf({ results }: Column): string {
  return results.map(({ framework }) => framework).join(", ");
}

export function readColumns(): readonly Column[] {
  const found = readResultsFiles<AdapterContractResults>("contract-results");
  const adapters = [...new Set(found.map(({ adapter }) => adapter))].sort();
  return adapters.map((adapter) => ({ adapter, results: found.filter((one) => one.adapter === adapter) }));
}

function cellOf(id: string, results: readonly AdapterContractResults[]): string {
  const cells = results.map(({ framework, cases }) => ({
    framework,
    cell: textOf(cases.find((one) => one.id === id)),
  }));
  const texts = new Set(cells.map(({ cell }) => cell));
  const [only] = texts;
  if (texts.size === 1 && only !== undefined) return only;
  return cells.map(({ framework, cell }) => `${framework}: ${cell}`).join("; ");
}

function textOf(result: AdapterCaseResult | undefined): string {
  if (result === undefined) return "not run";
  if (result.result === "none") return "no such mode";
  if (result.result === "yes") return "yes";
  const why = `${escaped(result.reason)}${result.issue === undefined ? "" : ` (${result.issue})`}`;
  const where = result.result === "partly" ? `in ${result.modes.map((mode) => `\`${mode}\``).join(", ")} alone` : "no";
  return `${where}: ${why}`;
}

const escaped = (text: string): string => text.replaceAll("|", "\\|");
