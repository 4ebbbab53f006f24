/** A fenced block of a markdown document. `line` is that of its first line of code, from 1. */
export interface Fence {
  readonly language: string;
  /** Words after the language: `run`, `ignore` ... */
  readonly marks: readonly string[];
  readonly code: string;
  readonly line: number;
  /** The text of the comment that stands directly before the fence, if any. */
  readonly comment?: string;
}

export interface MarkdownLink {
  readonly target: string;
  readonly line: number;
}

/** The fenced blocks of a document, in order. An unclosed fence ends with the document. */
export function fencesOf(markdown: string): readonly Fence[] {
  const lines = markdown.split("\n");
  const fences: Fence[] = [];
  for (let index = 0; index < lines.length; index++) {
    const open = /^(\s*)(`{3,}|~{3,})\s*([^\s`]*)\s*([^`]*)$/.exec(lines[index] ?? "");
    if (open === null) continue;
    const [, indent = "", ticks = "", language = "", marks = ""] = open;
    const start = index + 1;
    for (index = start; index < lines.length; index++) {
      const line = (lines[index] ?? "").trim();
      if (line.startsWith(ticks) && line.replaceAll(ticks.charAt(0), "") === "") break;
    }
    const body = lines.slice(start, index).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    const comment = commentBefore(lines.slice(0, start - 1));
    fences.push({
      language,
      marks: marks.split(/\s+/).filter((mark) => mark !== ""),
      code: body.join("\n"),
      line: start + 1,
      ...(comment === undefined ? {} : { comment }),
    });
  }
  return fences;
}

function commentBefore(lines: readonly string[]): string | undefined {
  const before = lines.join("\n").trimEnd();
  if (!before.endsWith("-->")) return undefined;
  const start = before.lastIndexOf("<!--");
  return start < 0 ? undefined : before.slice(start + 4, -3).trim();
}

/** The document with its fences, inline code and comments blanked; lines keep their numbers. */
function proseOf(markdown: string): string {
  const blank = (text: string): string => text.replace(/[^\n]/g, " ");
  const lines = markdown.split("\n");
  for (const fence of fencesOf(markdown)) {
    const count = fence.code.split("\n").length;
    for (let index = fence.line - 2; index < fence.line + count; index++) lines[index] = "";
  }
  return lines
    .join("\n")
    .replace(/<!--[\s\S]*?-->/g, blank)
    .replace(/`[^`\n]*`/g, blank);
}

/** Inline and reference links of a document, without those inside code. */
export function linksOf(markdown: string): readonly MarkdownLink[] {
  return proseOf(markdown)
    .split("\n")
    .flatMap((text, index) =>
      [...text.matchAll(/\]\(([^()\s]+)(?:\s+"[^"]*")?\)|^\s*\[[^\]]+\]:\s*(\S+)/g)].map((match) => ({
        target: match[1] ?? match[2] ?? "",
        line: index + 1,
      })),
    );
}

/** The headings of a document with the anchors that hosts give them. */
export function headingsOf(markdown: string): readonly { readonly level: number; readonly anchor: string }[] {
  const seen = new Map<string, number>();
  const lines = markdown.split("\n");
  const prose = proseOf(markdown).split("\n");
  return prose.flatMap((text, index) => {
    const level = /^(#{1,6})\s/.exec(text)?.[1]?.length;
    if (level === undefined) return [];
    const slug = anchorOf((lines[index] ?? "").slice(level));
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return [{ level, anchor: count === 0 ? slug : `${slug}-${count}` }];
  });
}

function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}
