import { DETECTOR_IDS, type DetectorId } from "@handlebar/protocol";
import { TEXT_LENGTH_MAX } from "../limits.ts";
import { Candidate } from "./candidate.ts";
import { DETECTORS } from "./catalogue.ts";
import { REGION_MARGIN } from "./census.ts";
import { isBounded } from "./context.ts";
import type { Pattern, Search } from "./detector.ts";
import type { Detection, Finding } from "./finding.ts";
import { joinOverlaps, type RankedFinding } from "./overlap.ts";
import { Scan } from "./scan.ts";

/** How a bigint is written where a value is made plain JSON. */
const BIGINT = /^-?\d{1,100}n$/;

/** What a detector is called and how specific it is. */
interface Named {
  readonly id: DetectorId;
  readonly rank: number;
}
interface NamedPattern extends Named {
  readonly pattern: Pattern;
}
interface NamedSearch extends Named {
  readonly search: Search;
}

/** The chosen detectors, sorted by where they look. */
interface Plan {
  /** By digits they need, fewest first. */
  readonly numbers: readonly NamedPattern[];
  readonly codes: readonly NamedPattern[];
  readonly searches: readonly NamedSearch[];
}

function makePlan(ids: readonly DetectorId[]): Plan {
  const chosen = DETECTORS.map((detector, rank) => ({ detector, rank })).filter(({ detector }) =>
    ids.includes(detector.id),
  );
  const patterns = chosen.flatMap(({ detector: { id, patterns: own = [] }, rank }) =>
    own.map((pattern) => ({ id, rank, pattern })),
  );
  const searches = chosen.flatMap(({ detector: { id, searches: own = [] }, rank }) =>
    own.map((search) => ({ id, rank, search })),
  );
  const numbers = patterns.filter(({ pattern }) => pattern.over === "number");
  return {
    numbers: numbers.sort((a, b) => a.pattern.digitsMin - b.pattern.digitsMin),
    codes: patterns.filter(({ pattern }) => pattern.over === "code"),
    searches,
  };
}

const PLANS = new WeakMap<readonly DetectorId[], Plan>();

/** A plan is kept for as long as the list of ids that it was made for, so a policy's is made once. */
function planOf(ids: readonly DetectorId[]): Plan {
  const known = PLANS.get(ids);
  if (known !== undefined) return known;
  const plan = makePlan(ids);
  PLANS.set(ids, plan);
  return plan;
}

/** Collects what one scan finds. */
class Collector {
  readonly findings: RankedFinding[] = [];
  readonly scan: Scan;

  constructor(scan: Scan) {
    this.scan = scan;
  }

  take({ id, rank }: Named, start: number, end: number): void {
    if (end > start) this.findings.push({ id, start, end, rank });
  }

  /** Tries a pattern on the slice of the text between two offsets. */
  match(named: NamedPattern, slice: string, offset: number): void {
    const { text } = this.scan;
    const { regex, verify } = named.pattern;
    // So that what a pattern looks back at is in the slice.
    regex.lastIndex = offset === 0 ? 0 : REGION_MARGIN / 2;
    for (let match = regex.exec(slice); match !== null; match = regex.exec(slice)) {
      const start = offset + match.index;
      const end = start + match[0].length;
      if (isBounded(text, start, end) && (verify?.(new Candidate(this.scan, start, end)) ?? true)) {
        this.take(named, start, end);
      } else {
        regex.lastIndex = match.index + 1;
      }
    }
  }
}

function searchNumbers(collector: Collector, patterns: readonly NamedPattern[]): void {
  const { text, census } = collector.scan;
  for (let i = 0; i < census.numbers.length; i += 3) {
    const offset = Math.max(0, (census.numbers[i] ?? 0) - REGION_MARGIN);
    const slice = text.slice(offset, (census.numbers[i + 1] ?? 0) + REGION_MARGIN);
    const digitCount = census.numbers[i + 2] ?? 0;
    for (const named of patterns) {
      if (named.pattern.digitsMin > digitCount) break;
      collector.match(named, slice, offset);
    }
  }
}

function searchCodes(collector: Collector, patterns: readonly NamedPattern[]): void {
  const { text, census } = collector.scan;
  for (let i = 0; i < census.codes.length; i += 2) {
    const offset = census.codes[i] ?? 0;
    const slice = text.slice(offset, census.codes[i + 1]);
    for (const named of patterns) collector.match(named, slice, offset);
  }
}

/** Every finding of every chosen detector, overlapping ones included; `text` is within bounds. */
export function findAll(text: string, ids: readonly DetectorId[], property: string): readonly RankedFinding[] {
  const plan = planOf(ids);
  const read = BIGINT.test(text) ? text.slice(0, -1) : text;
  const collector = new Collector(new Scan(read, property));
  for (const named of plan.searches) {
    named.search.find(collector.scan, (start, end) => collector.take(named, start, end));
  }
  if (plan.numbers.length > 0) searchNumbers(collector, plan.numbers);
  if (plan.codes.length > 0) searchCodes(collector, plan.codes);
  return collector.findings;
}

/** Options of `detect`. */
export interface DetectOptions {
  /**
   * Name of the property that holds the text, such as `taxNumber`: it can name a number as words beside it do. Absent
   * when there is none.
   */
  readonly property?: string | undefined;
}

/**
 * Finds sensitive data in a text (DESIGN "The policy language", `sensitiveData`).
 *
 * Pure, never throws, and linear in the text. Findings that overlap are joined and named by the longest of them, so
 * that masking leaves nothing of any. Only the first `TEXT_LENGTH_MAX` UTF-16 code units are read; past them the
 * answer says `exceeded`, never clean.
 *
 * @param ids - the detectors to use; every one when absent. Pass the same array again to have it prepared once.
 */
export function detect(
  text: string,
  ids: readonly DetectorId[] = DETECTOR_IDS,
  options: DetectOptions = {},
): Detection {
  const exceeded = text.length > TEXT_LENGTH_MAX;
  const read = exceeded ? text.slice(0, TEXT_LENGTH_MAX) : text;
  const findings = findAll(read, ids, options.property ?? "");
  return { findings: findings.length === 0 ? NONE : joinOverlaps(findings), exceeded };
}

const NONE: readonly Finding[] = [];
