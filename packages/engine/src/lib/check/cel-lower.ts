import { parse } from "@bufbuild/cel";
import type { ExprNode } from "@handlebar/protocol";
import { TYPE_NAMES } from "../cel/compile-expr.ts";
import { EXPR_HOST_FUNCTIONS, EXPR_VARIABLES } from "../cel/expr-scope.ts";
import { FUNCTIONS } from "../cel/functions.ts";
import { EXPR_DEPTH_MAX, EXPR_NODE_COUNT_MAX } from "../limits.ts";

/** What is wrong with an expression, and where in its text, from 0. */
export class ExprSyntaxError extends Error {
  readonly offset: number;
  constructor(message: string, at: { readonly offset: number; readonly cause?: unknown }) {
    super(message, { cause: at.cause });
    this.offset = at.offset;
  }
}

type ParsedExpr = ReturnType<typeof parse>;
type Expr = NonNullable<ParsedExpr["expr"]>;

/** Functions that decide what they evaluate, so that they are not in the table of strict ones. */
const LAZY: ReadonlyMap<string, number> = new Map([
  ["_&&_", 2],
  ["_||_", 2],
  ["_?_:_", 3],
  ["@not_strictly_false", 1],
]);

/**
 * Parses CEL and lowers it to the syntax tree that ships with a policy.
 * @throws ExprSyntaxError for what does not parse, what no policy can read or call, and what exceeds a bound.
 */
export function lowerCel(src: string, variables: readonly string[] = EXPR_VARIABLES): ExprNode {
  const parsed = parseCel(src);
  return new Lowering(parsed, variables).lower(parsed.expr, new Set(), 0);
}

function parseCel(src: string): ParsedExpr {
  try {
    return parse(src);
  } catch (error) {
    const location = (error as { location?: { start?: { offset?: number } } }).location;
    const text = error instanceof Error ? error.message : String(error);
    throw new ExprSyntaxError(text.replace(/^<input>:\d+:\d+: /, ""), {
      offset: location?.start?.offset ?? 0,
      cause: error,
    });
  }
}

class Lowering {
  readonly #positions: ParsedExpr["sourceInfo"];
  readonly #variables: readonly string[];
  #count = 0;

  constructor(parsed: ParsedExpr, variables: readonly string[]) {
    this.#positions = parsed.sourceInfo;
    this.#variables = variables;
  }

  lower(expr: Expr | undefined, locals: ReadonlySet<string>, depth: number): ExprNode {
    if (expr === undefined) throw new ExprSyntaxError("is empty", { offset: 0 });
    this.#count += 1;
    if (this.#count > EXPR_NODE_COUNT_MAX)
      this.#fail(expr, `has more than ${EXPR_NODE_COUNT_MAX} parts; split the rule`);
    if (depth > EXPR_DEPTH_MAX) this.#fail(expr, `is nested more than ${EXPR_DEPTH_MAX} levels deep; flatten it`);
    const inner = (one: Expr | undefined, names = locals): ExprNode => this.lower(one, names, depth + 1);
    const { exprKind: kind } = expr;
    switch (kind.case) {
      case "constExpr":
        return this.#constant(expr, kind.value.constantKind);
      case "identExpr":
        return this.#name(expr, kind.value.name, locals);
      case "selectExpr":
        return {
          node: "select",
          of: inner(kind.value.operand),
          field: kind.value.field,
          ...(kind.value.testOnly ? { test: true } : {}),
        };
      case "listExpr":
        return { node: "list", items: kind.value.elements.map((item) => inner(item)) };
      case "structExpr":
        if (kind.value.messageName !== "") this.#fail(expr, `has no message type \`${kind.value.messageName}\` here`);
        return {
          node: "map",
          entries: kind.value.entries.map((entry) => [
            entry.keyKind.case === "mapKey" ? inner(entry.keyKind.value) : this.#fail(expr, "has a field key in a map"),
            inner(entry.value),
          ]),
        };
      case "callExpr": {
        const { function: fn, target, args } = kind.value;
        this.#checkCall(expr, fn, args.length + (target === undefined ? 0 : 1));
        return {
          node: "call",
          fn,
          ...(target === undefined ? {} : { target: inner(target) }),
          args: args.map((arg) => inner(arg)),
        };
      }
      case "comprehensionExpr": {
        const fold = kind.value;
        if (fold.iterVar2 !== "") this.#fail(expr, "loops over two variables; use one");
        const inLoop = new Set([...locals, fold.iterVar, fold.accuVar]);
        return {
          node: "fold",
          over: inner(fold.iterRange),
          item: fold.iterVar,
          accumulator: fold.accuVar,
          init: inner(fold.accuInit),
          condition: inner(fold.loopCondition, inLoop),
          step: inner(fold.loopStep, inLoop),
          result: inner(fold.result, inLoop),
        };
      }
      default:
        return this.#fail(expr, "has a part that cannot be used here");
    }
  }

  #constant(expr: Expr, constant: { readonly case?: string | undefined; readonly value?: unknown }): ExprNode {
    const { value } = constant;
    switch (constant.case) {
      case "nullValue":
        return { node: "literal", type: "null", value: null };
      case "boolValue":
        return { node: "literal", type: "bool", value: value === true };
      case "stringValue":
        return { node: "literal", type: "string", value: String(value) };
      case "doubleValue":
        return { node: "literal", type: "double", value: Number.isFinite(value) ? Number(value) : String(value) };
      case "int64Value":
        return { node: "literal", type: "int", value: String(value) };
      case "uint64Value":
        return { node: "literal", type: "uint", value: String(value) };
      case "bytesValue":
        return { node: "bytes", base64: toBase64(value instanceof Uint8Array ? value : new Uint8Array()) };
      default:
        return this.#fail(expr, "has a constant that cannot be used here");
    }
  }

  #name(expr: Expr, name: string, locals: ReadonlySet<string>): ExprNode {
    const known = locals.has(name) || TYPE_NAMES.has(name) || this.#variables.includes(name);
    if (!known) this.#fail(expr, `has no variable \`${name}\`; use one of ${this.#variables.join(", ")}`);
    return { node: "name", name };
  }

  #checkCall(expr: Expr, fn: string, count: number): void {
    const lazy = LAZY.get(fn);
    const arity = lazy === undefined ? (FUNCTIONS.get(fn)?.arity ?? EXPR_HOST_FUNCTIONS.get(fn)) : [lazy];
    if (arity === undefined) this.#fail(expr, `has no function \`${fn}\``);
    if (!arity.includes(count))
      this.#fail(expr, `calls \`${fn}\` with ${count} values; it takes ${arity.join(" or ")}`);
  }

  #fail(expr: Expr, message: string): never {
    throw new ExprSyntaxError(message, { offset: this.#positions?.positions[String(expr.id)] ?? 0 });
  }
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
