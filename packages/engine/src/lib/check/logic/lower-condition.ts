import type { Condition, ToolSelector } from "@handlebar/protocol";
import { canonicalJson } from "../../canonical-json.ts";
import type { CompileContext } from "../../compile-context.ts";
import { compileValueTest, type ReadingComparison } from "../../conditions/comparison-test.ts";
import { isSinglePath } from "../../conditions/single-path.ts";
import { parsePath, printPath } from "../../path.ts";
import { ALWAYS, type Atom, all, any, type Formula, negated } from "./formula.ts";

/** Whether there is a tool: in the `llm` phases there is none. */
const HAS_TOOL: Atom = { kind: "flag", variable: "tool", key: "tool" };

/** What a comparison of any leaf looks like, whichever fields it has. */
interface AnyComparison {
  readonly type?: "number" | "string" | "boolean" | "array" | "any" | undefined;
  readonly op: string;
  readonly value?: unknown;
  readonly ignoreCase?: boolean | undefined;
  readonly onMissing?: "skip" | "match" | "unknown" | undefined;
}

/** Turns conditions of one rule into formulas that say the same in Kleene's logic. */
export class Lowering {
  readonly #context: CompileContext;
  #uniqueCount = 0;
  /** Some leaf reads a window beyond the run, which may be out of reach. */
  readsShared: boolean = false;

  /** @param context - to compile comparisons with, which must be such as `compile` takes. */
  constructor(context: CompileContext) {
    this.#context = context;
  }

  condition(condition: Condition): Formula {
    switch (condition.kind) {
      case "and":
        return all(condition.all.map((one) => this.condition(one)));
      case "or":
        return any(condition.any.map((one) => this.condition(one)));
      case "not":
        return negated(this.condition(condition.not));
      case "toolName":
        return this.#value("toolName", condition, true);
      case "toolTag":
        return all([literal(HAS_TOOL), ...parts(condition, "tag")]);
      case "label":
        return all(parts(condition, "label"));
      case "toolArg":
      case "context":
        return this.#atPath(condition);
      case "actor":
      case "enduserTag":
        return this.#value(`actor:${canonicalPath(condition.path)}`, condition);
      case "runTag":
        return this.#value(`runTag:${condition.tag}`, condition);
      case "signal":
        return this.#value(`signal:${condition.signal}`, condition);
      case "executionTime":
        return this.#value(`time:${condition.scope}`, { type: "number", op: condition.op, value: condition.valueMs });
      case "maxCalls":
      case "metricWindow":
        return this.#window(condition);
      default:
        return opaque(opaqueKey(condition) ?? this.#unique());
    }
  }

  /** Holds for the tools that a selector takes. */
  selector(selector: ToolSelector | undefined): Formula {
    if (selector === undefined) return ALWAYS;
    const { name, tagsAny, tagsAll } = selector;
    if (name === undefined && tagsAny === undefined && tagsAll === undefined) return ALWAYS;
    const formulas = [literal(HAS_TOOL), ...parts({ anyOf: tagsAny, allOf: tagsAll }, "tag")];
    if (name !== undefined) formulas.push(this.#value("toolName", { op: "glob", value: name }, true));
    return all(formulas);
  }

  /** The call has a tool, or none. */
  hasTool(isThere: boolean): Formula {
    const name = this.#value("toolName", { op: isThere ? "exists" : "absent" }, true);
    return all([isThere ? literal(HAS_TOOL) : negated(literal(HAS_TOOL)), name]);
  }

  #atPath(condition: Extract<Condition, { readonly kind: "toolArg" | "context" }>): Formula {
    const path = parsePath(condition.path);
    if (typeof path === "string" || !isSinglePath(path)) return opaque(opaqueKey(condition) ?? this.#unique());
    const root = condition.kind === "context" ? "context" : (condition.in ?? "args");
    return this.#value(`${root}:${printPath(path)}`, condition);
  }

  #value(variable: string, comparison: AnyComparison, isExact: boolean = false): Formula {
    const { op, value: operand, onMissing, ignoreCase = false } = comparison;
    const isPresence = op === "exists" || op === "absent";
    const type = isPresence ? "any" : (comparison.type ?? "string");
    const key = `${variable}\n${canonicalJson({ type, op, operand, onMissing, ignoreCase }) ?? this.#unique()}`;
    // Whatever is no question of presence has the fields of a comparison of its type.
    const reading = { ...comparison, type } as ReadingComparison;
    const test = isPresence ? undefined : compileValueTest(reading, this.#context);
    const question = { type, op, operand, ignoreCase, onMissing, test } as const;
    return literal({ kind: "value", variable, key, question, isExact });
  }

  /** Each counts for itself: two rules that look alike do not share a window. */
  #window(condition: Extract<Condition, { readonly kind: "maxCalls" | "metricWindow" }>): Formula {
    if (condition.scope !== "run") this.readsShared = true;
    return opaque(this.#unique());
  }

  #unique(): string {
    this.#uniqueCount += 1;
    const { policyId, ruleId } = this.#context;
    return `only:${policyId}\n${ruleId}\n${this.#uniqueCount}`;
  }
}

function literal(atom: Atom): Formula {
  return { kind: "literal", atom, isPositive: true };
}

function opaque(key: string): Formula {
  return literal({ kind: "opaque", variable: key, key });
}

interface Names {
  readonly anyOf?: readonly string[] | undefined;
  readonly allOf?: readonly string[] | undefined;
  readonly noneOf?: readonly string[] | undefined;
}

function parts({ anyOf, allOf, noneOf }: Names, what: "tag" | "label"): Formula[] {
  const flag = (name: string): Formula =>
    literal({ kind: "flag", variable: `${what}:${name}`, key: `${what}:${name}` });
  const formulas = [...(allOf ?? []).map(flag), ...(noneOf ?? []).map((name) => negated(flag(name)))];
  if (anyOf !== undefined) formulas.push(any(anyOf.map(flag)));
  return formulas;
}

/** What makes two leaves the same question about the same facts. */
function opaqueKey(condition: Condition): string | undefined {
  if (condition.kind !== "expr") return canonicalJson(condition);
  return canonicalJson({ kind: condition.kind, lang: condition.lang, src: condition.src });
}

function canonicalPath(text: string): string {
  const path = parsePath(text);
  return typeof path === "string" ? text : printPath(path);
}
