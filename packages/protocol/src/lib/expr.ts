import * as z from "zod";
import type { JsonValue } from "./json.ts";

/**
 * A checked CEL expression as a syntax tree, small enough to ship with a policy and run without a parser.
 * `call` names a CEL function, operator or macro-free method by its canonical CEL name; `fold` is a comprehension.
 */
export type ExprNode =
  | {
      readonly node: "literal";
      readonly type: "null" | "bool" | "int" | "uint" | "double" | "string";
      readonly value: JsonValue;
    }
  | { readonly node: "bytes"; readonly base64: string }
  | { readonly node: "name"; readonly name: string }
  | { readonly node: "select"; readonly of: ExprNode; readonly field: string; readonly test?: boolean | undefined }
  | { readonly node: "list"; readonly items: readonly ExprNode[] }
  | { readonly node: "map"; readonly entries: readonly (readonly [ExprNode, ExprNode])[] }
  | {
      readonly node: "call";
      readonly fn: string;
      readonly target?: ExprNode | undefined;
      readonly args: readonly ExprNode[];
    }
  | {
      readonly node: "fold";
      readonly over: ExprNode;
      readonly item: string;
      readonly accumulator: string;
      readonly init: ExprNode;
      readonly condition: ExprNode;
      readonly step: ExprNode;
      readonly result: ExprNode;
    };

/** A syntax tree with the version of its form. */
export interface ExprTree {
  readonly version: 1;
  readonly root: ExprNode;
}

export const exprNodeSchema: z.ZodType<ExprNode> = z.lazy(() =>
  z.discriminatedUnion("node", [
    z.strictObject({
      node: z.literal("literal"),
      type: z.enum(["null", "bool", "int", "uint", "double", "string"]),
      value: z.union([z.null(), z.boolean(), z.number(), z.string()]),
    }),
    z.strictObject({ node: z.literal("bytes"), base64: z.string() }),
    z.strictObject({ node: z.literal("name"), name: z.string() }),
    z.strictObject({ node: z.literal("select"), of: exprNodeSchema, field: z.string(), test: z.boolean().optional() }),
    z.strictObject({ node: z.literal("list"), items: z.array(exprNodeSchema) }),
    z.strictObject({ node: z.literal("map"), entries: z.array(z.tuple([exprNodeSchema, exprNodeSchema])) }),
    z.strictObject({
      node: z.literal("call"),
      fn: z.string(),
      target: exprNodeSchema.optional(),
      args: z.array(exprNodeSchema),
    }),
    z.strictObject({
      node: z.literal("fold"),
      over: exprNodeSchema,
      item: z.string(),
      accumulator: z.string(),
      init: exprNodeSchema,
      condition: exprNodeSchema,
      step: exprNodeSchema,
      result: exprNodeSchema,
    }),
  ]),
);

export const exprTreeSchema: z.ZodType<ExprTree> = z.strictObject({ version: z.literal(1), root: exprNodeSchema });
