import type { Condition, ConditionKind } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import { compileArgFrom } from "../flow/arg-from.ts";
import { compileLabel } from "../flow/label.ts";
import { CONDITION_DEPTH_MAX, CONDITION_NODE_COUNT_MAX } from "../limits.ts";
import { UNKNOWN_OUTCOME } from "../outcome.ts";
import { compileActor, compileRunTag } from "./actor.ts";
import { evalAll, evalAny, evalNot } from "./combine.ts";
import type { CompiledCondition, CompiledLeaf, Leaf } from "./compiled-condition.ts";
import { compileExprLeaf } from "./expr.ts";
import { compileCustom, compileSignal, compileSubject } from "./host.ts";
import { compileSensitiveData } from "./sensitive-data.ts";
import { compileSequence } from "./sequence.ts";
import { compileExecutionTime, compileTimeGateLeaf } from "./time.ts";
import { compileToolName, compileToolTag } from "./tool.ts";
import { compileContextLeaf, compileToolArg } from "./tool-arg.ts";
import { compileMaxCalls, compileMetricWindow } from "./windows.ts";

type ConditionOf<K extends ConditionKind> = Extract<Condition, { readonly kind: K }>;
type LeafKind = Exclude<ConditionKind, "and" | "or" | "not">;
type Factories = { readonly [K in LeafKind]: (condition: ConditionOf<K>, context: CompileContext) => CompiledLeaf };

/** What compiles each kind of leaf: the one place to add a kind. */
const FACTORIES: Factories = {
  actor: compileActor,
  argFrom: compileArgFrom,
  context: compileContextLeaf,
  custom: compileCustom,
  enduserTag: compileActor,
  executionTime: compileExecutionTime,
  expr: compileExprLeaf,
  label: compileLabel,
  maxCalls: compileMaxCalls,
  metricWindow: compileMetricWindow,
  runTag: compileRunTag,
  sensitiveData: compileSensitiveData,
  sequence: compileSequence,
  signal: compileSignal,
  subject: compileSubject,
  timeGate: compileTimeGateLeaf,
  toolArg: compileToolArg,
  toolName: compileToolName,
  toolTag: compileToolTag,
};

/**
 * Compiles a condition tree.
 *
 * @throws HandlebarError for what the schema cannot check, with the field's path; `HB_POLICY_LIMIT` past 32 levels or 500
 * nodes.
 */
export function compileCondition(condition: Condition, context: CompileContext, depth: number = 1): CompiledCondition {
  if (depth > CONDITION_DEPTH_MAX) {
    return context.fail(
      "HB_POLICY_LIMIT",
      `condition has more than ${CONDITION_DEPTH_MAX} levels; flatten or split it`,
    );
  }
  if (context.nextNodeCount() > CONDITION_NODE_COUNT_MAX) {
    return context.fail("HB_POLICY_LIMIT", `condition has more than ${CONDITION_NODE_COUNT_MAX} nodes; split the rule`);
  }
  switch (condition.kind) {
    case "and":
      return compileMany(condition, condition.all, { context, depth, field: "all" });
    case "or":
      return compileMany(condition, condition.any, { context, depth, field: "any" });
    case "not": {
      const child = compileCondition(condition.not, context.at(".not"), depth + 1);
      return composite(condition, [child], child.cost);
    }
    default:
      return compileLeaf(condition, context);
  }
}

interface Inside {
  readonly context: CompileContext;
  readonly depth: number;
  readonly field: string;
}

function compileMany(condition: Condition, inner: readonly Condition[], inside: Inside): CompiledCondition {
  const { context, depth, field } = inside;
  if (inner.length === 0) {
    return context.fail("HB_POLICY_INVALID", "has no condition inside; give at least one", field);
  }
  const children = inner.map((one, at) => compileCondition(one, context.at(`.${field}[${at}]`), depth + 1));
  return composite(condition, children, Math.max(...children.map((child) => child.cost)));
}

function composite(source: Condition, children: readonly CompiledCondition[], cost: number): CompiledCondition {
  const [first] = children;
  const ask =
    source.kind === "not" && first !== undefined
      ? evalNot(first)
      : source.kind === "and"
        ? evalAll(children)
        : evalAny(children);
  const hasBudget = children.some((child) => child.hasBudget);
  return { kind: source.kind, cost, eval: ask, children, source, hasBudget, resetAtMs: undefined };
}

function compileLeaf(condition: ConditionOf<LeafKind>, context: CompileContext): CompiledCondition {
  const factory: unknown = Object.hasOwn(FACTORIES, condition.kind) ? FACTORIES[condition.kind] : undefined;
  if (typeof factory !== "function") {
    return context.fail(
      "HB_POLICY_INVALID",
      `unknown kind \`${String(condition.kind)}\`; correct its spelling`,
      "kind",
    );
  }
  // `Factories` pairs each kind with the factory of its own conditions.
  const make = factory as (condition: ConditionOf<LeafKind>, context: CompileContext) => CompiledLeaf;
  const { kind, cost, eval: ask, resetAtMs } = make(condition, context);
  const hasBudget = resetAtMs !== undefined;
  return { kind, cost, eval: guarded(ask), children: [], source: condition, hasBudget, resetAtMs };
}

/** A leaf that fails comes to unknown for whoever asks: rules, sources of labels and hints alike. */
function guarded(ask: Leaf): Leaf {
  return (frame) => {
    try {
      return ask(frame);
    } catch {
      return UNKNOWN_OUTCOME;
    }
  };
}
