import { GLOB_LENGTH_MAX } from "./limits.ts";

/** One piece between two `*`: literal text when it holds no `?`, else code points with `ANY` in place of `?`. */
type Segment = string | readonly number[];

const ANY = -1;
const RUN = -2;

/** Whether `pattern` has neither `*` nor `?`, so that it matches itself alone. */
export function isLiteralGlob(pattern: string): boolean {
  return !pattern.includes("*") && !pattern.includes("?");
}

/**
 * Compiles a glob over whole texts: `*` is any run of characters (also none, also `/`, `.` and line breaks), `?` is
 * exactly one code point, and everything else, `[`, `{`, `!` and `\` included, stands for itself. Case matters.
 *
 * The test takes time linear in the text times the longest piece between two `*`, whatever the number of `*`.
 *
 * @throws Error when `pattern` is longer than 256 UTF-16 code units.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  if (pattern.length > GLOB_LENGTH_MAX) {
    throw new Error(`glob has ${pattern.length} characters; use at most ${GLOB_LENGTH_MAX}`);
  }
  if (pattern.includes("?") || !isWellFormed(pattern)) return compileSegments(pattern.split(/\*+/).map(toSegment));
  const pieces = pattern.split(/\*+/);
  const first = pieces[0] ?? "";
  const last = pieces[pieces.length - 1] ?? "";
  if (pieces.length === 1) return (text) => text === pattern;
  if (pieces.length === 2) return compileEnds(first, last);
  const middle = pieces[1] ?? "";
  if (pieces.length === 3 && first === "" && last === "") return (text) => text.includes(middle);
  return compileSegments(pieces);
}

function compileEnds(prefix: string, suffix: string): (text: string) => boolean {
  if (prefix === "" && suffix === "") return () => true;
  if (suffix === "") return (text) => text.startsWith(prefix);
  if (prefix === "") return (text) => text.endsWith(suffix);
  const lengthMin = prefix.length + suffix.length;
  return (text) => text.length >= lengthMin && text.startsWith(prefix) && text.endsWith(suffix);
}

/** Greedy from the left: the leftmost place for each piece leaves most room for the next, so nothing is ever retried. */
function compileSegments(segments: readonly Segment[]): (text: string) => boolean {
  const first = segments[0] ?? "";
  const last = segments[segments.length - 1] ?? "";
  const middle = segments.slice(1, -1);
  if (segments.length === 1) return (text) => endOfMatch(first, text, 0) === text.length;
  return (text) => {
    let position = endOfMatch(first, text, 0);
    for (const segment of middle) {
      if (position < 0) return false;
      position = endOfSearch(segment, text, position);
    }
    if (position < 0) return false;
    const start = startFromEnd(last, text);
    return start >= position && endOfMatch(last, text, start) === text.length;
  };
}

function toSegment(piece: string): Segment {
  if (!piece.includes("?") && isWellFormed(piece)) return piece;
  return Array.from(piece, (character) => (character === "?" ? ANY : codePointOf(character)));
}

/** Where `segment` ends when it starts at `start` of `text`, or -1 when it does not match there. */
function endOfMatch(segment: Segment, text: string, start: number): number {
  if (typeof segment === "string") return text.startsWith(segment, start) ? start + segment.length : -1;
  let position = start;
  for (let index = 0; index < segment.length; index += 1) {
    const wanted = segment[index];
    const unit = text.charCodeAt(position);
    const isPair = unit >= 0xd800 && unit <= 0xdbff && isLow(text.charCodeAt(position + 1));
    const found = isPair ? text.codePointAt(position) : unit;
    if (position >= text.length || (wanted !== ANY && wanted !== found)) return -1;
    position += isPair ? 2 : 1;
  }
  return position;
}

function endOfSearch(segment: Segment, text: string, from: number): number {
  if (typeof segment === "string") {
    const found = text.indexOf(segment, from);
    return found < 0 ? -1 : found + segment.length;
  }
  for (let start = from; start <= text.length; start += widthAt(text, start)) {
    const end = endOfMatch(segment, text, start);
    if (end >= 0) return end;
  }
  return -1;
}

/** Where a match of `segment` that reaches the end of `text` must start, or -1 when `text` is too short. */
function startFromEnd(segment: Segment, text: string): number {
  if (typeof segment === "string") return text.length - segment.length;
  let position = text.length;
  for (let left = segment.length; left > 0; left -= 1) {
    if (position <= 0) return -1;
    const isPair = isLow(text.charCodeAt(position - 1)) && position > 1 && isHigh(text.charCodeAt(position - 2));
    position -= isPair ? 2 : 1;
  }
  return position;
}

function widthAt(text: string, position: number): number {
  return (text.codePointAt(position) ?? 0) > 0xffff ? 2 : 1;
}

function codePointOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Only in well-formed text do code units and code points agree on where a piece may start and end. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** The glob as code points, `ANY` and `RUN`; within a run of wildcards each `?` comes first and one `*` last. */
function toSymbols(pattern: string): readonly number[] {
  const symbols: number[] = [];
  let isRunPending = false;
  for (const character of pattern) {
    if (character === "*") {
      isRunPending = true;
      continue;
    }
    if (character !== "?" && isRunPending) {
      symbols.push(RUN);
      isRunPending = false;
    }
    symbols.push(character === "?" ? ANY : codePointOf(character));
  }
  if (isRunPending) symbols.push(RUN);
  return symbols;
}

/**
 * Whether every text that `narrow` matches is matched by `wide`. Sound: `true` is proved; `false` may also mean that it
 * could not be proved.
 */
export function globCovers(wide: string, narrow: string): boolean {
  if (wide.length > GLOB_LENGTH_MAX || narrow.length > GLOB_LENGTH_MAX) return false;
  const symbols = toSymbols(wide);
  let places = withRunsSkipped(symbols, new Set([0]));
  for (const symbol of toSymbols(narrow)) {
    const next = new Set<number>();
    for (const place of places) {
      const own = symbols[place];
      if (own === RUN) next.add(place);
      else if (symbol !== RUN && own !== undefined && (own === ANY || own === symbol)) next.add(place + 1);
    }
    if (next.size === 0) return false;
    places = withRunsSkipped(symbols, next);
  }
  return places.has(symbols.length);
}

function withRunsSkipped(symbols: readonly number[], places: Set<number>): Set<number> {
  for (const place of places) if (symbols[place] === RUN) places.add(place + 1);
  return places;
}

/** Whether no text at all is matched by both globs. Exact for globs of at most 256 characters, else `false`. */
export function globsDisjoint(left: string, right: string): boolean {
  if (left.length > GLOB_LENGTH_MAX || right.length > GLOB_LENGTH_MAX) return false;
  const rows = toSymbols(left);
  const columns = toSymbols(right);
  const width = columns.length + 1;
  const reached = new Uint8Array((rows.length + 1) * width);
  reached[0] = 1;
  for (let row = 0; row <= rows.length; row += 1) {
    for (let column = 0; column < width; column += 1) {
      if (reached[row * width + column] !== 1) continue;
      const a = rows[row];
      const b = columns[column];
      if (a === RUN) reached[(row + 1) * width + column] = 1;
      if (b === RUN) reached[row * width + column + 1] = 1;
      if (a === undefined || b === undefined || !canShare(a, b)) continue;
      reached[(row + (a === RUN ? 0 : 1)) * width + column + (b === RUN ? 0 : 1)] = 1;
    }
  }
  return reached[reached.length - 1] !== 1;
}

function canShare(a: number, b: number): boolean {
  return a < 0 || b < 0 || a === b;
}
