/** UTF-16 code units of one line: many times the largest audit event. */
const LINE_LENGTH_MAX = 67_108_864;

/** One line of a file; `text` is absent for one that is too long. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string | undefined;
}

/**
 * Splits chunks of text at line feeds alone. JSON may hold other separators, such as U+2028, which `node:readline` splits at.
 * Bounded in memory: the rest of a line that is too long is passed over.
 */
export async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<Line> {
  let number = 1;
  let parts: string[] = [];
  let length = 0;
  const take = (): Line => {
    const text = length > LINE_LENGTH_MAX ? undefined : parts.join("").replace(/^\uFEFF|\r$/g, "");
    parts = [];
    length = 0;
    return { number: number++, text };
  };
  for await (const chunk of chunks) {
    const pieces = chunk.split("\n");
    const last = pieces.pop() ?? "";
    for (const piece of pieces) {
      length += piece.length;
      if (length <= LINE_LENGTH_MAX) parts.push(piece);
      yield take();
    }
    length += last.length;
    if (length <= LINE_LENGTH_MAX) parts.push(last);
    else parts = [];
  }
  if (length > 0) yield take();
}
