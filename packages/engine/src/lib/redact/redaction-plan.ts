import type { DetectorId, Redaction } from "@handlebar/protocol";
import { isElementName, type Path, type PathStep, parsePath } from "../path.ts";

export type Method = "mask" | "hash" | "remove";

/** Where several redactions want the same place, the one that leaves least wins. */
const LEAVES_LESS: Readonly<Record<Method, number>> = { hash: 0, mask: 1, remove: 2 };

export function strongest(a: Method | undefined, b: Method | undefined): Method | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return LEAVES_LESS[a] >= LEAVES_LESS[b] ? a : b;
}

/** The detectors that are at work in one part of a value, and what each of them does. */
export interface Scope {
  /** Places of the redactions, ascending. */
  readonly active: readonly number[];
  readonly ids: readonly DetectorId[];
  readonly methods: ReadonlyMap<DetectorId, Method>;
}

/** One path of one redaction. */
interface PathRule {
  readonly steps: Path;
  readonly redactionIndex: number;
  /** Absent when the redaction takes findings below the path. */
  readonly whole: Method | undefined;
}

/** A path of which the first `at` steps were taken. */
interface Cursor {
  readonly rule: PathRule;
  readonly at: number;
}

/** What the redactions want at one place of a value. */
export interface Place {
  readonly scope: Scope;
  /** Paths that go on below. */
  readonly cursors: readonly Cursor[];
  /** What becomes of the value that stands here. */
  readonly whole: Method | undefined;
  /** What becomes of every leaf from here on. */
  readonly leaves: Method | undefined;
}

/** Redactions made ready for one walk that applies them all. */
export class RedactionPlan {
  readonly root: Place;
  /** Some path counts the elements of a list, so that none may be taken out of its list. */
  readonly keepsPositions: boolean;
  /** A path cannot be read, so that nothing can be let through. */
  readonly isBroken: boolean;
  readonly #redactions: readonly Redaction[];
  readonly #scopes = new Map<string, Scope>();

  constructor(redactions: readonly Redaction[]) {
    this.#redactions = redactions;
    const cursors: Cursor[] = [];
    const everywhere: number[] = [];
    let isBroken = false;
    for (const [redactionIndex, { detectors, paths, method = "mask" }] of redactions.entries()) {
      if (paths === undefined) everywhere.push(redactionIndex);
      for (const text of paths ?? []) {
        const steps = parsePath(text);
        if (typeof steps === "string") isBroken = true;
        else
          cursors.push({ rule: { steps, redactionIndex, whole: detectors === undefined ? method : undefined }, at: 0 });
      }
    }
    this.isBroken = isBroken;
    this.keepsPositions = cursors.some(({ rule }) => rule.steps.some(countsElements));
    this.root = this.#place(this.#scope(everywhere), cursors);
  }

  /** The place of a property or element; `key` of an element is its number. */
  child(parent: Place, key: string, isList: boolean): Place {
    if (parent.cursors.length === 0) return parent;
    const cursors: Cursor[] = [];
    for (const cursor of parent.cursors) {
      const step = cursor.rule.steps[cursor.at];
      if (step?.kind === "leaves") cursors.push(cursor);
      else if (step !== undefined && leadsTo(step, key, isList)) cursors.push({ rule: cursor.rule, at: cursor.at + 1 });
    }
    return this.#place(parent.scope, cursors);
  }

  /** The place of what paths cannot name, such as an entry of a map. */
  unnamedChild(parent: Place): Place {
    return parent.cursors.length === 0 ? parent : this.#place(parent.scope, []);
  }

  /** Inside a text that was read as JSON, only what paths name: the rest is looked at as the text that it is. */
  inside(parent: Place): Place {
    return { ...parent, scope: this.#scope([]) };
  }

  #place(scope: Scope, cursors: readonly Cursor[]): Place {
    const going: Cursor[] = [];
    const active = new Set(scope.active);
    let whole: Method | undefined;
    let leaves: Method | undefined;
    for (const cursor of cursors) {
      const { steps, whole: method, redactionIndex } = cursor.rule;
      const step = steps[cursor.at];
      const isThere = step === undefined || step.kind === "leaves";
      if (isThere && method === undefined) active.add(redactionIndex);
      else if (step === undefined) whole = strongest(whole, method);
      else going.push(cursor);
      if (step?.kind === "leaves") leaves = strongest(leaves, method);
    }
    const grown = active.size === scope.active.length ? scope : this.#scope([...active].sort((a, b) => a - b));
    return { scope: grown, cursors: going, whole, leaves };
  }

  #scope(active: readonly number[]): Scope {
    const key = active.join();
    const known = this.#scopes.get(key);
    if (known !== undefined) return known;
    const methods = new Map<DetectorId, Method>();
    for (const index of active) {
      const { detectors = [], method = "mask" } = this.#redactions[index] ?? {};
      for (const id of detectors) methods.set(id, strongest(methods.get(id), method) ?? method);
    }
    const scope: Scope = { active, ids: [...methods.keys()], methods };
    this.#scopes.set(key, scope);
    return scope;
  }
}

const PLANS = new WeakMap<readonly Redaction[], RedactionPlan>();

/** A plan is kept for as long as the list of redactions that it was made for, so a policy's and the capture's are made once. */
export function planOf(redactions: readonly Redaction[]): RedactionPlan {
  const known = PLANS.get(redactions);
  if (known !== undefined) return known;
  const plan = new RedactionPlan(redactions);
  PLANS.set(redactions, plan);
  return plan;
}

function countsElements(step: PathStep): boolean {
  return step.kind === "index" || (step.kind === "key" && isElementName(step.name));
}

function leadsTo(step: PathStep, key: string, isList: boolean): boolean {
  switch (step.kind) {
    case "key":
      return step.name === key && (!isList || isElementName(key));
    case "index":
      return isList && String(step.index) === key;
    case "each":
      return isList;
    case "any":
      return true;
    case "leaves":
      return true;
  }
}
