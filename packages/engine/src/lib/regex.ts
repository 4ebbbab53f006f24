import { RE2JS } from "re2js";
import {
  REGEX_CACHE_ENTRY_COUNT_MAX,
  REGEX_PATTERN_LENGTH_MAX,
  REGEX_STATE_SIZE_MAX_BYTES,
  REGEX_WORK_MAX,
  TEXT_LENGTH_MAX,
} from "./limits.ts";

export interface RegexFlags {
  /** Fold case, as `(?i)` in front of the pattern does. Default false. */
  readonly ignoreCase?: boolean | undefined;
}

/** A regular expression of RE2 syntax, which matches in time linear in the text. */
export interface CompiledRegex {
  readonly pattern: string;
  /** UTF-16 code units of the longest text that `test` reads: 262,144, or less for a large pattern. */
  readonly textLengthMax: number;
  /** Whether the pattern is found anywhere in `text`; `undefined` (unknown) when `text` is longer than `textLengthMax`. */
  test(text: string): boolean | undefined;
}

/**
 * Compiles a user's regular expression. Look-around and back-references, which cannot be matched in linear time, are not
 * part of the syntax.
 *
 * @throws Error whose message says what is wrong with the pattern, in lower case and without a final period.
 */
export function compileRegex(pattern: string, flags: RegexFlags = {}): CompiledRegex {
  if (pattern.length > REGEX_PATTERN_LENGTH_MAX) {
    throw new Error(`pattern has ${pattern.length} characters; use at most ${REGEX_PATTERN_LENGTH_MAX}`);
  }
  const program = parse(pattern, flags);
  const textLengthMax = Math.min(TEXT_LENGTH_MAX, Math.floor(REGEX_WORK_MAX / Math.max(1, program.programSize())));
  boundStates(program);
  return {
    pattern,
    textLengthMax,
    test: (text) => (text.length > textLengthMax ? undefined : program.test(text)),
  };
}

function parse(pattern: string, flags: RegexFlags): RE2JS {
  try {
    return RE2JS.compile(pattern, flags.ignoreCase === true ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(text.replace(/^error parsing regexp: /, ""), { cause: error });
  }
}

/**
 * The library lets each pattern keep 8 MB of states: 512 patterns would keep 4 GB, and a large pattern spends most of its
 * time making states that it meets once. Past the bound it starts anew, or goes on without states.
 */
function boundStates(program: RE2JS): void {
  const states = program.re2().dfa;
  states.stateBudget = REGEX_STATE_SIZE_MAX_BYTES;
  states.memBudget = REGEX_STATE_SIZE_MAX_BYTES;
}

/** Keeps compiled patterns for its owner; the least recently used leaves first. */
export class RegexCache {
  readonly #entries = new Map<string, CompiledRegex>();
  readonly #entryCountMax: number;

  /** @param entryCountMax how many patterns to keep; default 512. */
  constructor(entryCountMax: number = REGEX_CACHE_ENTRY_COUNT_MAX) {
    this.#entryCountMax = entryCountMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** As `compileRegex`, once per pattern and flags. A pattern that fails is not kept. */
  compile(pattern: string, flags: RegexFlags = {}): CompiledRegex {
    const key = (flags.ignoreCase === true ? "i" : "-") + pattern;
    const kept = this.#entries.get(key);
    if (kept !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, kept);
      return kept;
    }
    const compiled = compileRegex(pattern, flags);
    if (this.#entries.size >= this.#entryCountMax) {
      const oldest = this.#entries.keys().next().value;
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.set(key, compiled);
    return compiled;
  }
}
