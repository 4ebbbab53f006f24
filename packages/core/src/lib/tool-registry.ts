import { effectiveTags, type Tool, toolSchema } from "@handlebar/protocol";
import type { ToolRegistry } from "./services.ts";

/** The tools a client knows, by name; a later registration of a name replaces the earlier one. */
export class KnownTools implements ToolRegistry {
  readonly #byName = new Map<string, { readonly tool: Tool; readonly tags: readonly string[] }>();

  constructor(tools: readonly Tool[]) {
    for (const tool of tools) this.#set(tool);
  }

  find(name: string): { readonly tags: readonly string[]; readonly kind?: string | undefined } | undefined {
    const known = this.#byName.get(name);
    return known === undefined ? undefined : { tags: known.tags, kind: known.tool.kind };
  }

  /** Takes over the tools that are new or changed; gives those. Ones that are not tools are passed over. */
  register(tools: readonly Tool[]): readonly Tool[] {
    return tools.filter((tool) => {
      if (!toolSchema.safeParse(tool).success) return false;
      if (!this.#byName.has(tool.name) && this.#byName.size >= TOOL_COUNT_MAX) return false;
      if (JSON.stringify(this.#byName.get(tool.name)?.tool) === JSON.stringify(tool)) return false;
      this.#set(tool);
      return true;
    });
  }

  all(): readonly Tool[] {
    return [...this.#byName.values()].map(({ tool }) => tool);
  }

  #set(tool: Tool): void {
    this.#byName.set(tool.name, { tool, tags: effectiveTags(tool) });
  }
}

/** As many as one registration request may carry. */
const TOOL_COUNT_MAX = 1000;
