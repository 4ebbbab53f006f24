import { compile } from "@handlebar/engine";
import { policyIdOf, prepareExpressions } from "@handlebar/engine/check";
import { type Condition, HandlebarError, type Policy } from "@handlebar/protocol";

/** A policy as it is kept: its id filled in, the trees of expressions left out, since they are made from the text. */
export function toStored(policy: Policy): Policy {
  const rules = policy.rules.map((rule) =>
    rule.when === undefined ? rule : { ...rule, when: withoutTrees(rule.when) },
  );
  const stored = { ...policy, id: policyIdOf(policy), rules };
  if (policy.flow === undefined) return stored;
  const sources = policy.flow.sources.map((source) =>
    source.when === undefined ? source : { ...source, when: withoutTrees(source.when) },
  );
  return { ...stored, flow: { ...policy.flow, sources } };
}

/**
 * A policy as clients run it, from what is kept: expressions prepared, ids of rules filled in. One that this version of the engine refuses
 * stays as it is, so that clients refuse it by name.
 */
export function toRunnable(policy: Policy): Policy {
  const [prepared = policy] = prepareExpressions([policy]).policies;
  try {
    return compile([prepared]).policies[0] ?? prepared;
  } catch (error) {
    if (HandlebarError.is(error)) return prepared;
    throw error;
  }
}

function withoutTrees(condition: Condition): Condition {
  switch (condition.kind) {
    case "expr": {
      const { tree: _, ...rest } = condition;
      return rest;
    }
    case "and":
      return { ...condition, all: condition.all.map(withoutTrees) };
    case "or":
      return { ...condition, any: condition.any.map(withoutTrees) };
    case "not":
      return { ...condition, not: withoutTrees(condition.not) };
    default:
      return condition;
  }
}
