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
  const { anyOf, allOf, noneOf } = condition;
  return {
    kind: "toolTag",
    cost: COST.name,
    eval: (frame): Outcome => {
      const tags = frame.facts.call?.tool.tags;
      if (tags === undefined) return FALSE;
      if (anyOf !== undefined && !hasAny(tags, anyOf)) return FALSE;
      if (allOf !== undefined && !hasAll(tags, allOf)) return FALSE;
      return outcomeOf(noneOf === undefined || !hasAny(tags, noneOf));
    },
  };
}
