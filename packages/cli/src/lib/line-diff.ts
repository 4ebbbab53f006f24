/** Lines of each text that are compared one with another; longer texts are shown whole, the old one and then the new one. */
const LINE_COUNT_MAX = 2_000;

/** One line of a comparison: only in the old text (`-`), only in the new one (`+`), or in both. */
export interface DiffLine {
  readonly mark: "-" | "+" | " ";
  readonly text: string;
}

/** What it takes to turn one text into another, with `context` unchanged lines around each change; `undefined` stands for a gap. */
export function diffLines(before: string, after: string, context = 3): readonly (DiffLine | undefined)[] {
  return withoutFarLines(compare(linesOf(before), linesOf(after)), context);
}

function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** By the longest common subsequence. */
function compare(a: readonly string[], b: readonly string[]): readonly DiffLine[] {
  const removed = (text: string): DiffLine => ({ mark: "-", text });
  const added = (text: string): DiffLine => ({ mark: "+", text });
  if (a.length > LINE_COUNT_MAX || b.length > LINE_COUNT_MAX) return [...a.map(removed), ...b.map(added)];
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const old = a[i];
    const next = b[j];
    if (old !== undefined && old === next) {
      lines.push({ mark: " ", text: old });
      i++;
      j++;
    } else if (next === undefined || (old !== undefined && at(i + 1, j) >= at(i, j + 1))) {
      lines.push(removed(old ?? ""));
      i++;
    } else {
      lines.push(added(next));
      j++;
    }
  }
  return lines;
}

function withoutFarLines(lines: readonly DiffLine[], context: number): readonly (DiffLine | undefined)[] {
  const isNear = lines.map(() => false);
  for (const [at, { mark }] of lines.entries()) {
    if (mark !== " ") isNear.fill(true, Math.max(0, at - context), at + context + 1);
  }
  const shown: (DiffLine | undefined)[] = [];
  for (const [at, line] of lines.entries()) {
    if (isNear[at]) shown.push(line);
    else if (shown.length > 0 && shown.at(-1) !== undefined) shown.push(undefined);
  }
  if (shown.at(-1) === undefined) shown.pop();
  return shown;
}
