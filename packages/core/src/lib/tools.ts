import { type Classification, HandlebarError, parseValue, type Tool, toolSchema } from "@handlebar/protocol";

/** What Handlebar needs to know of a tool beside what its framework knows. */
export interface ToolMarks {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** Labels that policies select by, such as `read-only`, `external` or `pii`. */
  readonly tags?: readonly string[] | undefined;
  /** How confidential what it returns is; acts as the tag `classification:<value>` too. */
  readonly classification?: Classification | undefined;
}

const MARKS = Symbol.for("handlebar.tool-marks");

/**
 * Marks a tool of any shape and gives the same tool back, its type unchanged. The marks do not show in enumeration,
 * spreading or serialisation.
 * @throws HandlebarError `HB_CONFIG_INVALID` naming the field.
 */
export function wrapTool<T extends object>(tool: T, marks: ToolMarks): T {
  checkMarks({ ...marks, name: marks.name ?? "tool" });
  Object.defineProperty(tool, MARKS, { value: Object.freeze({ ...marks }), configurable: true });
  return tool;
}

/** The marks that `wrapTool` or `defineTool` put on a tool. */
export function toolMarks(tool: unknown): ToolMarks | undefined {
  if ((typeof tool !== "object" && typeof tool !== "function") || tool === null) return undefined;
  // Only `wrapTool` sets this registered symbol.
  return (tool as { readonly [MARKS]?: ToolMarks })[MARKS];
}

/** A tool for a hand-written loop: its marks and what it does. */
export interface DefinedTool<TArgs, TResult> extends Omit<Tool, "tags"> {
  readonly tags: readonly string[];
  execute(args: TArgs, options: { readonly signal: AbortSignal }): TResult | Promise<TResult>;
}

/**
 * Defines a tool for a hand-written loop; `run.tool` takes it as it is.
 * @throws HandlebarError `HB_CONFIG_INVALID` naming the field.
 */
export function defineTool<TArgs, TResult>(
  tool: Omit<Tool, "tags"> & {
    readonly tags?: readonly string[] | undefined;
    execute(args: TArgs, options: { readonly signal: AbortSignal }): TResult | Promise<TResult>;
  },
): DefinedTool<TArgs, TResult> {
  const { execute, ...rest } = tool;
  checkMarks(rest);
  if (typeof execute !== "function") {
    throw new HandlebarError("HB_CONFIG_INVALID", "`execute` must be a function; give what the tool does", {
      field: "execute",
    });
  }
  return { ...rest, tags: tool.tags ?? [], execute };
}

function checkMarks(marks: object): void {
  const defined = Object.fromEntries(Object.entries(marks).filter(([, value]) => value !== undefined));
  const parsed = parseValue(toolSchema, defined);
  if (parsed.ok) return;
  const [issue] = parsed.issues;
  throw new HandlebarError("HB_CONFIG_INVALID", `tool \`${issue?.path}\` ${issue?.message}`, { field: issue?.path });
}
