import { HandlebarError, type HandlebarErrorCode, type JsonValue, type Phase } from "@handlebar/protocol";
import type { Counter } from "./counter.ts";
import { RegexCache } from "./regex.ts";
import { TimeZones } from "./time-zone.ts";
import type { ToolMatcher } from "./tool-matcher.ts";

/** What all conditions of one policy set share. */
export class CompileShared {
  readonly regexes: RegexCache = new RegexCache();
  readonly zones: TimeZones = new TimeZones();
  /** Every label that a condition or source names. */
  readonly labels: Set<string> = new Set();
  /** Every window that a condition reads. */
  readonly counters: Counter[] = [];
  readonly #slots = new Map<string, number>();

  /** The place in a frame for what `key` names; the same for the same key. */
  slot(key: string): number {
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const slot = this.#slots.size;
    this.#slots.set(key, slot);
    return slot;
  }
}

/** A host's function that a condition asks, with the key under which its answer is looked up. */
export interface CustomNeed {
  readonly key: string;
  readonly name: string;
  readonly args: JsonValue | undefined;
}

/** What must be known before the conditions of one rule or source can be asked; a name may be there twice. */
export class ConditionNeeds {
  subjects: boolean = false;
  readonly signals: string[] = [];
  readonly customs: CustomNeed[] = [];
  /** Windows that reach beyond the run. */
  readonly shared: Counter[] = [];
  /** Windows that decisions warn of. */
  readonly warners: Counter[] = [];

  get isEmpty(): boolean {
    return !this.subjects && this.signals.length === 0 && this.customs.length === 0 && this.shared.length === 0;
  }
}

/** The rule or flow source whose condition is compiled. */
export interface ConditionOwner {
  /** Place of the policy among those compiled. */
  readonly policyIndex: number;
  readonly policyId: string;
  readonly ruleId: string;
  readonly phases: readonly Phase[];
  /** Which calls it selects. */
  readonly tool: ToolMatcher;
  readonly exact: boolean;
  /** A condition here may stop a call, never let one through: what `argFrom` demands. */
  readonly tightens: boolean;
  /** The labels that the policy says it uses; absent: any. */
  readonly declaredLabels?: readonly string[] | undefined;
}

/** What a leaf's factory gets: shared tables, whose condition it is, and where it stands. */
export class CompileContext {
  readonly shared: CompileShared;
  readonly owner: ConditionOwner;
  readonly needs: ConditionNeeds;
  readonly #parent: CompileContext | undefined;
  readonly #suffix: string;
  readonly #count: { windows: number; nodes: number };

  /** @param place where the condition stands, such as `policies[0].rules[2].when`, or where in its parent. */
  constructor(
    shared: CompileShared,
    owner: ConditionOwner,
    place: string | { readonly suffix: string; readonly parent: CompileContext },
  ) {
    const parent = typeof place === "string" ? undefined : place.parent;
    this.shared = shared;
    this.owner = owner;
    this.needs = parent?.needs ?? new ConditionNeeds();
    this.#parent = parent;
    this.#suffix = typeof place === "string" ? place : place.suffix;
    this.#count = parent === undefined ? { windows: 0, nodes: 0 } : parent.#count;
  }

  get regexes(): RegexCache {
    return this.shared.regexes;
  }

  get zones(): TimeZones {
    return this.shared.zones;
  }

  get labels(): Set<string> {
    return this.shared.labels;
  }

  get policyId(): string {
    return this.owner.policyId;
  }

  get ruleId(): string {
    return this.owner.ruleId;
  }

  /** Where the condition stands, such as `policies[0].rules[2].when.all[0]`. */
  get path(): string {
    return this.#parent === undefined ? this.#suffix : `${this.#parent.path}${this.#suffix}`;
  }

  /** The context of a condition inside this one. */
  at(suffix: string): CompileContext {
    return new CompileContext(this.shared, this.owner, { suffix, parent: this });
  }

  /** The place in a frame for what `key` names; the same for the same key in one policy set. */
  slot(key: string): number {
    return this.shared.slot(key);
  }

  /** Numbers the windows that one rule reads in reading order, from 0. */
  nextWindowIndex(): number {
    this.#count.windows += 1;
    return this.#count.windows - 1;
  }

  /** Counts the nodes of one rule, from 1. */
  nextNodeCount(): number {
    this.#count.nodes += 1;
    return this.#count.nodes;
  }

  /** Throws the coded error for a field of this condition; `message` is lower case and says, after `; `, what to do. */
  fail(code: HandlebarErrorCode, message: string, field?: string): never {
    const { policyId, ruleId } = this.owner;
    const path = field === undefined ? this.path : `${this.path}.${field}`;
    throw new HandlebarError(code, `${path} (policy \`${policyId}\`, rule \`${ruleId}\`): ${message}`, {
      field: path,
      details: { policyId, ruleId },
    });
  }
}
