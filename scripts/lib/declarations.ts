import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const LINE_LENGTH_MAX = 120;
const LINE_COUNT_MAX = 60;

/** One name that a module exports and how it is declared. */
export interface ApiName {
  readonly name: string;
  readonly signature: string;
}

/** The names that a built declaration file exports, sorted, each with its declaration in this package. */
export function exportedNames(file: string): readonly ApiName[] {
  const names = statementsOf(file).flatMap((statement): readonly ApiName[] => {
    const list = /^export (?:type )?\{([^}]*)\}(?: from "([^"]+)")?;?$/s.exec(statement);
    if (list === null) {
      const name = declaredName(statement);
      return name === undefined || !statement.startsWith("export ") ? [] : [{ name, signature: tidy(statement) }];
    }
    const [, members = "", from] = list;
    return members
      .split(",")
      .map((member) => member.trim().replace(/^type /, ""))
      .filter((member) => member !== "")
      .map((member) => {
        const [local = "", name = local] = member.split(" as ");
        return { name, signature: signatureOf(file, from, local) };
      });
  });
  return names.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function signatureOf(file: string, from: string | undefined, local: string): string {
  if (from?.startsWith(".") === false) return `${local} from "${from}"`;
  const target = from === undefined ? file : join(dirname(file), from.replace(/\.[jt]s$/, ".d.ts"));
  const declared = statementsOf(target).filter((statement) => declaredName(statement) === local);
  if (declared.length > 0) return declared.map(tidy).join("\n");
  const again = target === file ? undefined : exportedNames(target).find(({ name }) => name === local);
  if (again === undefined) throw new Error(`${target} does not declare ${local}`);
  return again.signature;
}

/** Top-level statements; the compiler begins each at the line's start and indents or closes what belongs to it. */
function statementsOf(file: string): readonly string[] {
  const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|^\/\/.*$/gm, "");
  return text
    .split(/\n(?=(?:export|declare|import|interface|type|abstract|class|function|const)\b)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "" && !statement.startsWith("import "));
}

function declaredName(statement: string): string | undefined {
  const pattern = /^(?:export )?(?:declare )?(?:abstract )?(?:const|let|function|class|interface|type)\s+([\w$]+)/;
  return pattern.exec(statement)?.[1];
}

/**
 * On one line where that can be read, else as the compiler lays it out, so that a diff shows the member that changed.
 * Past a bound, which only schemas made of other schemas reach, the rest is told by its hash.
 */
function tidy(statement: string): string {
  const declared = statement.replace(/^(export )?(declare )?/, "").replace(/;$/, "");
  const line = declared.replace(/\s+/g, " ");
  if (line.length <= LINE_LENGTH_MAX) return line;
  const lines = declared
    .replaceAll("    ", "  ")
    .split("\n")
    .filter((text) => text.trim() !== "");
  if (lines.length <= LINE_COUNT_MAX) return lines.join("\n");
  const rest = lines.slice(LINE_COUNT_MAX);
  const hash = createHash("sha256").update(rest.join("\n")).digest("hex").slice(0, 12);
  return [...lines.slice(0, LINE_COUNT_MAX), `  ... ${rest.length} more lines, sha256 ${hash}`].join("\n");
}
