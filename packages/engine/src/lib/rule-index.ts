import type { Phase } from "@handlebar/protocol";
import type { CompiledRule } from "./compiled-rule.ts";
import type { Counter } from "./counter.ts";
import type { Facts, ToolFacts } from "./facts.ts";
import { TOOL_MEMO_COUNT_MAX } from "./limits.ts";
import { type CandidateNeeds, collectNeeds } from "./rule-needs.ts";

/** The rules whose phase and tool selector match one call, in the order in which a decision lists them. */
export interface Candidates {
  /** Disabled rules and defaults of policies included. */
  readonly rules: readonly CompiledRule[];
  readonly defaults: readonly DefaultPlace[];
  readonly needs: CandidateNeeds;
  /** Windows that a decision warns of: those of rules that are enabled and enforced. */
  readonly warners: readonly Counter[];
  /** Windows that count this call, whatever rules they belong to. */
  readonly counters: readonly Counter[];
}

/** Where a policy's default and its rules stand among the candidates. */
export interface DefaultPlace {
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

interface PhaseRules {
  /** Rules that name their tools without wildcards. */
  readonly byName: ReadonlyMap<string, readonly CompiledRule[]>;
  readonly rest: readonly CompiledRule[];
  readonly memo: Map<string, MemoEntry[]>;
  memoCount: number;
  withoutTool: Candidates | undefined;
}

interface MemoEntry {
  readonly tags: readonly string[];
  readonly candidates: Candidates;
}

/** Finds the rules of one agent by phase and tool; what it costs grows with what matches, not with what exists. */
export class RuleIndex {
  readonly #phases: Readonly<Record<Phase, PhaseRules>>;
  readonly #counters: readonly Counter[];

  /** @param rules in the order of `order`. */
  constructor(rules: readonly CompiledRule[], counters: readonly Counter[]) {
    this.#counters = counters;
    this.#phases = {
      "tool.before": indexPhase(rules, "tool.before"),
      "tool.after": indexPhase(rules, "tool.after"),
      "llm.before": indexPhase(rules, "llm.before"),
      "llm.after": indexPhase(rules, "llm.after"),
    };
  }

  candidates(facts: Facts): Candidates {
    const phase = this.#phases[facts.phase];
    const isLlm = facts.phase === "llm.before" || facts.phase === "llm.after";
    const tool = isLlm ? undefined : facts.call?.tool;
    if (tool === undefined) {
      phase.withoutTool ??= this.#find(phase, undefined, isLlm);
      return phase.withoutTool;
    }
    const entries = phase.memo.get(tool.name);
    if (entries !== undefined) {
      for (const entry of entries) if (isSame(entry.tags, tool.tags)) return entry.candidates;
    }
    return this.#remember(phase, tool);
  }

  /** Every rule of a phase, whatever tools it selects. */
  rulesOf(name: Phase): readonly CompiledRule[] {
    const { byName, rest } = this.#phases[name];
    return [...rest, ...[...byName.values()].flat()];
  }

  #remember(phase: PhaseRules, tool: ToolFacts): Candidates {
    const candidates = this.#find(phase, tool, false);
    if (phase.memoCount >= TOOL_MEMO_COUNT_MAX) {
      phase.memo.clear();
      phase.memoCount = 0;
    }
    const entry: MemoEntry = { tags: [...tool.tags], candidates };
    const entries = phase.memo.get(tool.name);
    if (entries === undefined) phase.memo.set(tool.name, [entry]);
    else entries.push(entry);
    phase.memoCount += 1;
    return candidates;
  }

  #find(phase: PhaseRules, tool: ToolFacts | undefined, isLlm: boolean): Candidates {
    const named = tool === undefined ? [] : (phase.byName.get(tool.name) ?? []);
    const isFor = (rule: CompiledRule): boolean => (tool === undefined ? rule.tool.isAny : rule.tool.matches(tool));
    const rules = [...named.filter(isFor), ...phase.rest.filter(isFor)].sort((a, b) => a.order - b.order);
    const counters = this.#counters.filter((counter) =>
      tool === undefined ? isLlm && counter.countsLlm : counter.countsTool(tool),
    );
    const warners = rules.filter((rule) => rule.isEnabled && !rule.isShadow).flatMap((rule) => rule.warners);
    return { rules, defaults: findDefaults(rules), needs: collectNeeds(rules), warners, counters };
  }
}

function indexPhase(rules: readonly CompiledRule[], phase: Phase): PhaseRules {
  const byName = new Map<string, CompiledRule[]>();
  const rest: CompiledRule[] = [];
  for (const rule of rules) {
    if (!rule.phases.includes(phase)) continue;
    if (rule.tool.literals === undefined) rest.push(rule);
    for (const name of new Set(rule.tool.literals)) {
      const named = byName.get(name);
      if (named === undefined) byName.set(name, [rule]);
      else named.push(rule);
    }
  }
  return { byName, rest, memo: new Map(), memoCount: 0, withoutTool: undefined };
}

/** Rules of one policy stand beside each other, since they are sorted by policy id first. */
function findDefaults(rules: readonly CompiledRule[]): readonly DefaultPlace[] {
  const places: DefaultPlace[] = [];
  for (const [at, rule] of rules.entries()) {
    if (!rule.isDefault) continue;
    let start = at;
    while (rules[start - 1]?.policy === rule.policy) start -= 1;
    let end = at + 1;
    while (rules[end]?.policy === rule.policy) end += 1;
    places.push({ at, start, end });
  }
  return places;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
