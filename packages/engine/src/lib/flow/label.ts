import type { LabelCondition } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import { COST, type CompiledLeaf } from "../conditions/compiled-condition.ts";
import { LABEL_COUNT_MAX } from "../limits.ts";
import { FALSE, TRUE } from "../outcome.ts";

/** `label`: every part that is given must hold. */
export function compileLabel(condition: LabelCondition, context: CompileContext): CompiledLeaf {
  const { anyOf, allOf, noneOf } = condition;
  for (const label of [...(anyOf ?? []), ...(allOf ?? []), ...(noneOf ?? [])]) declareLabel(label, context);
  return {
    kind: "label",
    cost: COST.name,
    eval: ({ facts }) => {
      const { flow } = facts.run.state;
      const has = (label: string): boolean => flow.has(label);
      const holds =
        (anyOf === undefined || anyOf.some(has)) &&
        (allOf === undefined || allOf.every(has)) &&
        (noneOf === undefined || !noneOf.some(has));
      return holds ? TRUE : FALSE;
    },
  };
}

/** Counts a label among those of its policy set. */
export function declareLabel(label: string, context: CompileContext): void {
  const { declaredLabels } = context.owner;
  if (declaredLabels !== undefined && !declaredLabels.includes(label)) {
    context.fail(
      "HB_POLICY_LABEL_UNKNOWN",
      `label \`${label}\` is not among the policy's \`flow.labels\`; correct its spelling or add it there`,
    );
  }
  context.labels.add(label);
  if (context.labels.size > LABEL_COUNT_MAX) {
    context.fail("HB_POLICY_LIMIT", `the policies use more than ${LABEL_COUNT_MAX} labels; use fewer`);
  }
}
