/** One thing that an implementation must do. `run` rejects, with what was expected, when it does not. */
export interface ContractCase {
  readonly name: string;
  run(): Promise<void>;
}

/** What a contract case or a conformance case expected and did not get. */
export class ExpectationError extends Error {
  readonly actual: unknown;
  readonly expected: unknown;

  constructor(what: string, actual: unknown, expected: unknown) {
    super(`${what}: expected ${show(expected)}, got ${show(actual)}`);
    this.name = "ExpectationError";
    this.actual = actual;
    this.expected = expected;
  }
}

/** Throws unless both are the same JSON: fields in any order, `undefined` as absent. */
export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (!isEqual(actual, expected)) throw new ExpectationError(what, actual, expected);
}

/** Whether both are the same JSON: fields in any order, `undefined` as absent. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, at) => isEqual(item, b[at]));
  }
  const left: Readonly<Record<string, unknown>> = { ...a };
  const right: Readonly<Record<string, unknown>> = { ...b };
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => isEqual(left[name], right[name]));
}

const SHOWN_LENGTH_MAX = 2_000;

function show(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}
