import { type Fence, fencesOf } from "./markdown.ts";
import { type RepoFile, repoFiles } from "./repo-files.ts";

/** A TypeScript block of a document that is compiled as a file of its own. */
export interface DocFence {
  /** The document's path from the repository's root. */
  readonly document: string;
  /** The line of the document where the block's first line of code stands. */
  readonly line: number;
  readonly source: string;
  /** How many lines of `source` stand before the block's own first line. */
  readonly setupLines: number;
  readonly runs: boolean;
}

export interface DocFences {
  readonly fences: readonly DocFence[];
  /** Blocks whose marks are wrong. */
  readonly problems: readonly string[];
}

const DOCUMENTS = /^(README\.md|docs\/.*\.md|packages\/[^/]+\/README\.md)$/;

/**
 * The TypeScript blocks of the project's documents. A block marked `ts run` is also run; one marked `ts ignore` is left
 * out, for which the comment before it must give the reason: `<!-- no-check: reason -->`. Code in a comment
 * `<!-- setup: code -->` before a block is compiled and run ahead of it, unseen by the reader.
 */
export function docFences(files: readonly RepoFile[] = repoFiles()): DocFences {
  const fences: DocFence[] = [];
  const problems: string[] = [];
  for (const document of files.filter(({ path }) => DOCUMENTS.test(path))) {
    for (const fence of fencesOf(document.text).filter(
      ({ language }) => language === "ts" || language === "typescript",
    )) {
      const problem = problemOf(fence);
      if (problem !== undefined) problems.push(`${document.path}:${fence.line}: ${problem}`);
      else if (!fence.marks.includes("ignore")) fences.push(docFence(document, fence));
    }
  }
  return { fences, problems };
}

function problemOf({ marks, comment }: Fence): string | undefined {
  const unknown = marks.find((mark) => mark !== "run" && mark !== "ignore");
  if (unknown !== undefined) return `the mark \`${unknown}\` is not known; use \`run\` or \`ignore\``;
  if (marks.length > 1) return "a block that is not checked cannot be run";
  if (marks[0] === "ignore" && !/^no-check: \S/.test(comment ?? "")) {
    return "a block that is not checked needs `<!-- no-check: reason -->` before it";
  }
  return undefined;
}

function docFence({ path }: RepoFile, { code, comment, line, marks }: Fence): DocFence {
  const setup = /^setup:\s*/.exec(comment ?? "");
  const before = setup === null ? "" : `${(comment ?? "").slice(setup[0].length)}\n`;
  return {
    document: path,
    line,
    // `export {}` makes a block without imports a module, as it is in a reader's project.
    source: `${before}${code}\nexport {};\n`,
    setupLines: before.split("\n").length - 1,
    runs: marks.includes("run"),
  };
}
