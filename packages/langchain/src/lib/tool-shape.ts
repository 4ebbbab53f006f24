import { toolMarks } from "@handlebar/core";
import type { AnyClient, Tool } from "@handlebar/core/adapter";

/** What a tool's code is given beside its arguments. */
export interface ToolConfig {
  readonly signal?: AbortSignal | undefined;
  readonly runId?: string | undefined;
  readonly configurable?: unknown;
  readonly toolCall?: { readonly id?: string | undefined } | undefined;
}

/** A tool of LangChain: its `_call` gets parsed arguments and gives the raw result. */
export interface ToolInside {
  readonly name: string;
  readonly responseFormat?: string | undefined;
  invoke(input: unknown, config?: ToolConfig): Promise<unknown>;
  _call(args: unknown, sink: unknown, config?: ToolConfig): unknown;
}

export function isToolInside(value: unknown): value is ToolInside {
  return isObject(value) && "_call" in value && typeof value._call === "function" && nameOf(value) !== undefined;
}

/** A runnable turned into a tool: there is nothing inside to reach but `invoke`. */
export interface RunnableTool {
  readonly name: string;
  invoke(input: unknown, config?: ToolConfig): Promise<unknown>;
}

export function isRunnableTool(value: unknown): value is RunnableTool {
  return isObject(value) && "invoke" in value && typeof value.invoke === "function" && nameOf(value) !== undefined;
}

export function nameOf(tool: unknown): string | undefined {
  return isObject(tool) && "name" in tool && typeof tool.name === "string" && tool.name !== "" ? tool.name : undefined;
}

/** Tags that the tool was marked with. */
export function tagsOf(tool: unknown): readonly string[] {
  const marks = toolMarks(tool);
  if (marks === undefined) return [];
  const { tags = [], classification } = marks;
  return classification === undefined ? tags : [...tags, `classification:${classification}`];
}

// By client, what was registered: an agent's tools come with each of its requests.
const registered = new WeakMap<AnyClient, WeakSet<object>>();

/** Makes tools known to policies; what has no name, such as a provider's own tool, is passed over. */
export function register(hb: AnyClient, tools: readonly unknown[]): void {
  const seen = registered.get(hb) ?? new WeakSet<object>();
  registered.set(hb, seen);
  const known = tools.flatMap((tool): Tool[] => {
    const name = nameOf(tool);
    if (name === undefined || !isObject(tool) || seen.has(tool)) return [];
    seen.add(tool);
    const marks = toolMarks(tool);
    const description = "description" in tool && typeof tool.description === "string" ? tool.description : undefined;
    const { tags = [], classification } = marks ?? {};
    return [
      {
        name,
        tags: [...tags],
        ...(description === undefined ? {} : { description: description.slice(0, DESCRIPTION_LENGTH_MAX) }),
        ...(classification === undefined ? {} : { classification }),
      },
    ];
  });
  if (known.length > 0) hb.registerTools(known);
}

const DESCRIPTION_LENGTH_MAX = 1000;

/** The arguments as the tool's code would get them; as the model gave them where they do not fit its schema. */
export async function parsedArgs(tool: unknown, args: unknown): Promise<unknown> {
  const schema = isObject(tool) && "schema" in tool ? tool.schema : undefined;
  if (!isObject(schema) || !("safeParseAsync" in schema) || typeof schema.safeParseAsync !== "function") return args;
  try {
    const parsed: unknown = await schema.safeParseAsync(args);
    return isObject(parsed) && "success" in parsed && parsed.success === true && "data" in parsed ? parsed.data : args;
  } catch {
    return args;
  }
}

/** Arguments as policies read them: tools that take a bare text are asked with `{ input }`. */
export function argsForPolicy(args: unknown): unknown {
  return isObject(args) ? args : { input: args };
}

/** The way back from `argsForPolicy`. */
export function argsForTool(asked: unknown, decided: unknown): unknown {
  if (isObject(asked)) return decided;
  return isObject(decided) && "input" in decided ? decided.input : asked;
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
