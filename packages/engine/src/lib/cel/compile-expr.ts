import type { ExprNode, JsonValue } from "@handlebar/protocol";
import { EXPR_LIST_LENGTH_MAX, EXPR_STEP_COUNT_MAX } from "../limits.ts";
import { type ExprFunction, FUNCTIONS, type FunctionHost } from "./functions.ts";
import {
  type CelKey,
  type CelValue,
  ExprError,
  isError,
  isList,
  isMap,
  mapGet,
  mapKeys,
  noOverload,
  normalKey,
  TypeName,
  Uint,
} from "./values.ts";

/** What an expression reads: its variables, and functions that ask about the run. */
export interface ExprScope {
  /** `undefined` where there is no such variable. */
  variable(name: string): CelValue | undefined;
  /** Answers a function that is not one of the standard's; `undefined` where there is none. */
  call(name: string, args: readonly CelValue[]): CelValue | undefined;
}

/** An expression made ready to run. Total: what cannot be computed is an error value. */
export type CompiledExpr = (scope: ExprScope) => CelValue;

class Evaluation {
  readonly scope: ExprScope;
  readonly locals = new Map<string, CelValue>();
  steps = 0;
  constructor(scope: ExprScope) {
    this.scope = scope;
  }
}

type Run = (evaluation: Evaluation) => CelValue;

const TOO_LONG = new ExprError("the expression takes too many steps");
/** Names that stand for a type where no variable has them. */
export const TYPE_NAMES: ReadonlySet<string> = new Set([
  "bool",
  "int",
  "uint",
  "double",
  "string",
  "bytes",
  "list",
  "map",
  "null_type",
  "type",
]);

/** Compiles a syntax tree to closures. */
export function compileExpr(root: ExprNode, host: FunctionHost): CompiledExpr {
  const run = compileNode(root, host);
  return (scope) => run(new Evaluation(scope));
}

function compileNode(node: ExprNode, host: FunctionHost): Run {
  switch (node.node) {
    case "literal": {
      const value = literal(node.type, node.value);
      return () => value;
    }
    case "bytes": {
      const value = Uint8Array.from(atob(node.base64), (char) => char.charCodeAt(0));
      return () => value;
    }
    case "name":
      return compileName(node.name);
    case "select":
      return compileSelect(node, host);
    case "list": {
      const items = node.items.map((item) => compileNode(item, host));
      return (evaluation) => collect(items, evaluation);
    }
    case "map":
      return compileMap(node.entries, host);
    case "call":
      return compileCall(node, host);
    case "fold":
      return compileFold(node, host);
  }
}

function literal(type: string, value: JsonValue): CelValue {
  if (type === "int") return BigInt(String(value));
  if (type === "uint") return new Uint(BigInt(String(value)));
  if (type === "double") return Number(value);
  // The schema leaves null, a boolean or text here.
  return value as null | boolean | string;
}

function compileName(name: string): Run {
  const type = TYPE_NAMES.has(name) ? new TypeName(name) : undefined;
  return (evaluation) => {
    const local = evaluation.locals.get(name);
    if (local !== undefined) return local;
    const value = evaluation.scope.variable(name);
    return value === undefined ? (type ?? new ExprError(`no such variable ${name}`)) : value;
  };
}

function compileSelect(node: Extract<ExprNode, { node: "select" }>, host: FunctionHost): Run {
  const of = compileNode(node.of, host);
  const { field } = node;
  const isTest = node.test === true;
  return (evaluation) => {
    const value = of(evaluation);
    if (isError(value)) return value;
    if (!isMap(value)) return noOverload();
    const found = mapGet(value, field);
    if (isTest) return found !== undefined;
    return found === undefined ? new ExprError(`no such key ${field}`) : found;
  };
}

function collect(items: readonly Run[], evaluation: Evaluation): CelValue {
  const values: CelValue[] = [];
  for (const item of items) {
    const value = item(evaluation);
    if (isError(value)) return value;
    values.push(value);
  }
  return values;
}

function compileMap(entries: readonly (readonly [ExprNode, ExprNode])[], host: FunctionHost): Run {
  const compiled = entries.map(([key, value]) => [compileNode(key, host), compileNode(value, host)] as const);
  return (evaluation) => {
    const map = new Map<CelKey, CelValue>();
    for (const [keyOf, itemOf] of compiled) {
      const key = keyOf(evaluation);
      if (isError(key)) return key;
      const value = itemOf(evaluation);
      if (isError(value)) return value;
      const normal = normalKey(key);
      if (normal === undefined || typeof key === "number") return new ExprError("unsupported key type");
      if (map.has(normal)) return new ExprError("repeated key");
      map.set(normal, value);
    }
    return map;
  };
}

function compileCall(node: Extract<ExprNode, { node: "call" }>, host: FunctionHost): Run {
  const args = [...(node.target === undefined ? [] : [node.target]), ...node.args].map((arg) => compileNode(arg, host));
  const [first, second, third] = args;
  if (node.fn === "_&&_" && first && second) return logical(first, second, false);
  if (node.fn === "_||_" && first && second) return logical(first, second, true);
  if (node.fn === "_?_:_" && first && second && third) return conditional(first, second, third);
  if (node.fn === "@not_strictly_false" && first) return (evaluation) => first(evaluation) !== false;
  const known = FUNCTIONS.get(node.fn);
  return known === undefined ? compileHostCall(node.fn, args) : compileStrict(known.run, args, host);
}

/** The commutative logic of CEL: the deciding value wins over an error on the other side. */
function logical(left: Run, right: Run, deciding: boolean): Run {
  return (evaluation) => {
    const a = left(evaluation);
    if (a === deciding) return deciding;
    const b = right(evaluation);
    if (b === deciding) return deciding;
    if (isError(a)) return a;
    if (isError(b)) return b;
    return typeof a === "boolean" && typeof b === "boolean" ? !deciding : noOverload();
  };
}

function conditional(test: Run, yes: Run, no: Run): Run {
  return (evaluation) => {
    const answer = test(evaluation);
    if (isError(answer)) return answer;
    if (typeof answer !== "boolean") return noOverload();
    return answer ? yes(evaluation) : no(evaluation);
  };
}

function compileStrict(run: ExprFunction, args: readonly Run[], host: FunctionHost): Run {
  return (evaluation) => {
    const values = collect(args, evaluation);
    return isList(values) ? run(values, host) : values;
  };
}

function compileHostCall(name: string, args: readonly Run[]): Run {
  return (evaluation) => {
    const values = collect(args, evaluation);
    if (!isList(values)) return values;
    const value = evaluation.scope.call(name, values);
    return value === undefined ? new ExprError(`no such function ${name}`) : value;
  };
}

function compileFold(node: Extract<ExprNode, { node: "fold" }>, host: FunctionHost): Run {
  const [over, init, condition, step, result] = [node.over, node.init, node.condition, node.step, node.result].map(
    (part) => compileNode(part, host),
  );
  if (!over || !init || !condition || !step || !result) return noOverload;
  const { item, accumulator } = node;
  return (evaluation) => {
    const range = over(evaluation);
    if (isError(range)) return range;
    const items = isList(range) ? range : isMap(range) ? mapKeys(range) : undefined;
    if (items === undefined) return noOverload();
    if (items.length > EXPR_LIST_LENGTH_MAX) return new ExprError("list too long to loop over");
    const { locals } = evaluation;
    const outer = [locals.get(item), locals.get(accumulator)] as const;
    locals.set(accumulator, init(evaluation));
    let isTooLong = false;
    for (const value of items) {
      evaluation.steps += 1;
      isTooLong = evaluation.steps > EXPR_STEP_COUNT_MAX;
      if (isTooLong) break;
      locals.set(item, value);
      if (condition(evaluation) === false) break;
      locals.set(accumulator, step(evaluation));
    }
    locals.delete(item);
    const value = isTooLong ? TOO_LONG : result(evaluation);
    restore(locals, item, outer[0]);
    restore(locals, accumulator, outer[1]);
    return value;
  };
}

function restore(locals: Map<string, CelValue>, name: string, value: CelValue | undefined): void {
  if (value === undefined) locals.delete(name);
  else locals.set(name, value);
}
