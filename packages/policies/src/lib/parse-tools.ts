import { HandlebarError, parseValue, type Tool, toolSchema } from "@handlebar/protocol";
import { parseDocument } from "yaml";

/**
 * Reads a file of tools, YAML or JSON: a list of tools as they are registered, or a map from a tool's name to its tags.
 * @throws HandlebarError `HB_CONFIG_INVALID` naming file, tool and field.
 */
export function parseTools(text: string, options: { readonly file?: string | undefined } = {}): readonly Tool[] {
  const file = options.file ?? "tools";
  const value = readText(text, file);
  const list = Array.isArray(value) ? value : namesToTags(value);
  if (list === undefined) throw wrong(file, "must be a list of tools, or a map from a tool's name to its tags");
  return list.map((one, index) => {
    const parsed = parseValue(toolSchema, one);
    if (parsed.ok) return parsed.value;
    const [issue] = parsed.issues;
    throw wrong(file, `[${index}].${issue?.path} ${issue?.message}`);
  });
}

function readText(text: string, file: string): unknown {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw wrong(file, `is neither YAML nor JSON: ${problem.message.split("\n")[0]}`);
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Aliases that name nothing, or that would unfold without end.
    throw wrong(file, error instanceof Error ? error.message : String(error));
  }
}

function namesToTags(value: unknown): readonly unknown[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).map(([name, of]) => (Array.isArray(of) ? { name, tags: of } : { name, ...of }));
}

function wrong(file: string, what: string): HandlebarError {
  return new HandlebarError("HB_CONFIG_INVALID", `${file}: ${what}`, { field: file });
}
