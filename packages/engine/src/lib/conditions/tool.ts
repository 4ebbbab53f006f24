import type { ToolNameCondition, ToolTagCondition } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import { FALSE, type Outcome, outcomeOf } from "../outcome.ts";
import { hasAll, hasAny } from "../tool-matcher.ts";
import { COST, type CompiledLeaf } from "./compiled-condition.ts";
import { compileTextQuestion } from "./text-leaf.ts";

/** In the `llm` phases there is no tool: absent. */
export function compileToolName(condition: ToolNameCondition, context: CompileContext): CompiledLeaf {
  const { ask, cost } = compileTextQuestion(condition, context);
  return {
    kind: "toolName",
    cost: cost === COST.regex ? cost : COST.name,
    eval: (frame) => ask(frame.facts.call?.tool.name),
  };
}

/** Every field given must hold; without a tool none does, `noneOf` included. */
export function compileToolTag(condition: ToolTagCondition): CompiledLeaf {
  return {
    kind: "toolTag",
    cost: COST.name,
    eval: (frame): Outcome => {
      const tags = frame.facts.call?.tool.tags;
      return tags === undefined ? FALSE : outcomeOf(holdsForTags(condition, tags));
    },
  };
}

/** Whether it holds for every call of a tool with these tags. */
export function holdsForTags({ anyOf, allOf, noneOf }: ToolTagCondition, tags: readonly string[]): boolean {
  if (anyOf !== undefined && !hasAny(tags, anyOf)) return false;
  if (allOf !== undefined && !hasAll(tags, allOf)) return false;
  return noneOf === undefined || !hasAny(tags, noneOf);
}
