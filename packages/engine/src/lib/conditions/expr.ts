import type { ExprCondition } from "@handlebar/protocol";
import { compileExpr } from "../cel/compile-expr.ts";
import { exprScope } from "../cel/expr-scope.ts";
import type { CompileContext } from "../compile-context.ts";
import { FALSE, TRUE, UNKNOWN_OUTCOME } from "../outcome.ts";
import { COST, type CompiledLeaf } from "./compiled-condition.ts";

/** `expr`: true or false as the expression says; unknown when it comes to an error or to anything else. */
export function compileExprLeaf(condition: ExprCondition, context: CompileContext): CompiledLeaf {
  const { tree } = condition;
  if (tree === undefined) {
    return context.fail(
      "HB_POLICY_EXPR_NOT_PREPARED",
      "has no syntax tree; load the policy with `@handlebar/policies`, or pass it through `prepareExpressions`",
      "tree",
    );
  }
  const run = compileExpr(tree.root, { regexes: context.regexes, zones: context.zones });
  return {
    kind: "expr",
    cost: COST.expr,
    eval: (frame) => {
      const value = run(exprScope(frame));
      if (value === true) return TRUE;
      return value === false ? FALSE : UNKNOWN_OUTCOME;
    },
  };
}
