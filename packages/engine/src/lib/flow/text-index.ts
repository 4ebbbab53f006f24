import type { JsonObject } from "@handlebar/protocol";
import { SEEN_TEXT_LENGTH_MAX, SEEN_VALUE_COUNT_MAX, SEEN_VALUE_LENGTH_MAX } from "../limits.ts";
import { isTexts } from "./is-texts.ts";
import { compactIdentifier, normaliseText } from "./normalise.ts";
import type { Sought } from "./sought.ts";
import { bareForm, formsOf, partsOf, valueForms } from "./text-parts.ts";
import { hasGrouped, hasStretch, type SearchBudget } from "./text-search.ts";

/** Shorter texts are kept again rather than searched for among those that are kept. */
const REPEAT_LENGTH_MIN = 64;

/** How much stays when the newest texts no longer fit, so that not every further one makes a cut. */
const CUT_LENGTH = SEEN_TEXT_LENGTH_MAX * 0.75;

/** What stays when there is no room for all: what came first, or what came last. */
export type Keeping = "first" | "last";

/**
 * What was seen in one kind of place. Bounded; `isLost` says that something seen here is not kept. Texts are taken apart
 * when something is first looked for, since most runs look for little.
 */
export class TextIndex {
  readonly #keeping: Keeping;
  #values: Set<string> | undefined;
  /** Normalised; each text stands between two line ends, and none holds one. */
  #text = "\n";
  #unread: string[] | undefined;
  #unreadLength = 0;
  #isLost = false;

  constructor(keeping: Keeping) {
    this.#keeping = keeping;
  }

  /** What is not found may have been here. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Something seen here was not given to the index. */
  lose(): void {
    this.#isLost = true;
  }

  /** Takes a value in that is found again as a whole alone. */
  addValue(value: string | number): void {
    const text = String(value);
    const normal = text.length > SEEN_VALUE_LENGTH_MAX ? text : normaliseText(text);
    for (const form of valueForms(normal)) this.#keep(form);
    const compact = compactIdentifier(normal);
    if (compact !== undefined) this.#keep(compact);
  }

  /** Takes prose in: every name, number, address and stretch of words in it is found again. */
  addText(text: string): void {
    const kept = this.#cut(text);
    if (kept === "") return;
    if (this.#unreadLength + kept.length > SEEN_TEXT_LENGTH_MAX) this.#read();
    this.#unread ??= [];
    this.#unread.push(kept);
    this.#unreadLength += kept.length;
  }

  /** Whether a value was seen here; `undefined` when the budget is spent before that is known. */
  has(sought: Sought, budget: SearchBudget): boolean | undefined {
    this.#read();
    const { normal, forms, parts, compact } = sought;
    for (const form of forms) if (this.#holds(form)) return true;
    if (compact !== undefined && this.#holds(compact)) return true;
    const isOnePart = parts.length === 1 && parts[0] === normal && normal.length <= SEEN_VALUE_LENGTH_MAX;
    // Every part of the texts is known, so that a value with another part need not be searched for.
    const mayBeInText = !isOnePart && parts.every((part) => this.#mayHold(part));
    const stretch = mayBeInText && hasStretch(this.#text, normal, budget);
    if (stretch !== false || compact === undefined) return stretch;
    return hasGrouped(this.#text, compact, budget);
  }

  snapshot(): JsonObject {
    const values = [...(this.#values ?? [])];
    return { values, text: this.#text, unread: [...(this.#unread ?? [])], isLost: this.#isLost };
  }

  copy(): TextIndex {
    this.#read();
    const copy = new TextIndex(this.#keeping);
    if (this.#values !== undefined) copy.#values = new Set(this.#values);
    copy.#text = this.#text;
    copy.#isLost = this.#isLost;
    return copy;
  }

  /** The index of a snapshot, which may come from outside; `undefined` when it is none. */
  static restore(snapshot: unknown, keeping: Keeping): TextIndex | undefined {
    if (typeof snapshot !== "object" || snapshot === null) return undefined;
    const { values, text, unread, isLost } = snapshot as Readonly<Record<string, unknown>>;
    if (!isTexts(values) || !isTexts(unread) || typeof text !== "string" || typeof isLost !== "boolean")
      return undefined;
    const index = new TextIndex(keeping);
    // Bounds hold for what comes from outside too.
    for (const value of values) index.#keep(value);
    if (text.length <= SEEN_TEXT_LENGTH_MAX && text.startsWith("\n") && text.endsWith("\n")) index.#text = text;
    else index.#isLost = true;
    for (const one of unread) index.addText(one);
    index.#isLost ||= isLost;
    return index;
  }

  #cut(text: string): string {
    const kept = cutTo(text, SEEN_TEXT_LENGTH_MAX, this.#keeping);
    if (kept.length < text.length) this.#isLost = true;
    return kept;
  }

  #mayHold(part: string): boolean {
    const bare = bareForm(part);
    return bare === "" || bare.length > SEEN_VALUE_LENGTH_MAX || this.#holds(bare);
  }

  #holds(value: string): boolean {
    return this.#values?.has(value) === true;
  }

  #read(): void {
    const unread = this.#unread ?? [];
    this.#unread = undefined;
    this.#unreadLength = 0;
    for (const text of unread) this.#readText(normaliseText(this.#cut(text.normalize("NFKC"))));
  }

  #readText(normal: string): void {
    if (normal === "") return;
    if (normal.length >= REPEAT_LENGTH_MIN && this.#text.includes(`\n${normal}\n`)) return;
    const room = SEEN_TEXT_LENGTH_MAX - this.#text.length - 1;
    const fresh = cutTo(normal, this.#keeping === "first" ? room : SEEN_TEXT_LENGTH_MAX - 2, this.#keeping);
    if (fresh.length < normal.length) this.#isLost = true;
    if (fresh === "") return;
    if (fresh.length > room) {
      this.#isLost = true;
      this.#text = `\n${cutTo(this.#text, Math.max(0, CUT_LENGTH - fresh.length), "last")}`;
    }
    this.#text += `${fresh}\n`;
    for (const part of partsOf(fresh)) {
      // What is too long to be kept is still in the text.
      for (const form of formsOf(part)) if (form.length <= SEEN_VALUE_LENGTH_MAX) this.#keep(form);
    }
  }

  #keep(value: string): void {
    if (value === "") return;
    if (value.length > SEEN_VALUE_LENGTH_MAX) {
      this.#isLost = true;
      return;
    }
    this.#values ??= new Set();
    const isKnown = this.#values.has(value);
    if (!isKnown && this.#values.size >= SEEN_VALUE_COUNT_MAX) {
      this.#isLost = true;
      if (this.#keeping === "first") return;
      const { value: oldest } = this.#values.values().next();
      if (oldest !== undefined) this.#values.delete(oldest);
    }
    if (isKnown && this.#keeping === "last") this.#values.delete(value);
    this.#values.add(value);
  }
}

/** A text of at most `length`, cut between words, since half an address is another address. */
function cutTo(text: string, length: number, keeping: Keeping): string {
  if (text.length <= length) return text;
  if (length <= 0) return "";
  if (keeping === "first") {
    const cut = text.slice(0, length + 1).search(/\s\S*$/);
    return cut < 0 ? "" : text.slice(0, cut);
  }
  const tail = text.slice(-length - 1);
  const start = tail.search(/\s/);
  return start < 0 ? "" : tail.slice(start + 1);
}
