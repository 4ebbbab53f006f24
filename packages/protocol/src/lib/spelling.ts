/** A longer word is not compared: no field or value that exists here comes near it. */
const WORD_LENGTH_MAX = 64;

/** What people write for a name that exists here under another one. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ["=", "eq"],
  ["==", "eq"],
  ["===", "eq"],
  ["equals", "eq"],
  ["equal", "eq"],
  ["!=", "neq"],
  ["!==", "neq"],
  ["ne", "neq"],
  [">", "gt"],
  ["greater", "gt"],
  ["greaterthan", "gt"],
  ["above", "gt"],
  [">=", "gte"],
  ["ge", "gte"],
  ["<", "lt"],
  ["less", "lt"],
  ["lessthan", "lt"],
  ["below", "lt"],
  ["<=", "lte"],
  ["le", "lte"],
  ["regex", "matches"],
  ["regexp", "matches"],
  ["present", "exists"],
  ["missing", "absent"],
  ["integer", "number"],
  ["int", "number"],
  ["float", "number"],
  ["bool", "boolean"],
  ["list", "array"],
  ["text", "string"],
  ["deny", "block"],
  ["forbid", "block"],
  ["approve", "hitl"],
  ["approval", "hitl"],
  ["permit", "allow"],
  ["mask", "redact"],
  ["user", "actor"],
  ["if", "when"],
  ["condition", "when"],
  ["phase", "on"],
  ["phases", "on"],
  ["tools", "tool"],
]);

/** A candidate at least this long that begins the word, such as `mon` in `monday`, is what was meant. */
const STEM_LENGTH_MIN = 3;

/**
 * The one of `candidates` that `word` was most likely meant to be: a known synonym, within a third of its length by
 * insertions, deletions, replacements and swaps (at most 3; case does not count), or its beginning. `undefined` when none
 * is near.
 */
export function closestName(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > WORD_LENGTH_MAX) return undefined;
  const lower = word.toLowerCase();
  const synonym = SYNONYMS.get(lower);
  const limit = Math.min(3, Math.max(1, Math.floor(lower.length / 3)));
  let best: string | undefined;
  let bestDistance = limit + 1;
  let stem: string | undefined;
  for (const candidate of candidates) {
    if (candidate.toLowerCase() === synonym) return candidate;
    if (candidate.length > WORD_LENGTH_MAX || candidate === word) continue;
    const distance = editDistance(lower, candidate.toLowerCase());
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate;
      bestDistance = distance;
    }
    if (candidate.length >= STEM_LENGTH_MIN && lower.startsWith(candidate.toLowerCase())) stem = candidate;
  }
  return best ?? stem;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, replace);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
