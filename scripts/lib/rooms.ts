/** What a package of this workspace may depend on; the import rules in biome.json say the same file by file. */
export interface Room {
  readonly workspace: readonly string[];
  /** Packages of others; `undefined` where a room's choice is its own. */
  readonly others?: readonly string[];
}

export const ROOMS: Readonly<Record<string, Room>> = {
  protocol: { workspace: [], others: ["zod"] },
  engine: { workspace: ["protocol"], others: ["@bufbuild/cel", "re2js"] },
  policies: { workspace: ["protocol", "engine"], others: ["yaml"] },
  core: {
    workspace: ["protocol", "engine", "policies"],
    others: [
      "@noble/hashes",
      "@pydantic/genai-prices",
      "eventsource-parser",
      "safe-stable-stringify",
      "sonic-boom",
      "uuidv7",
      "zod",
    ],
  },
  testing: { workspace: ["protocol", "engine", "policies", "core"], others: ["fast-check", "zod"] },
  cli: { workspace: ["protocol", "engine", "policies", "core", "server"], others: [] },
  "ai-sdk": { workspace: ["core"] },
  langchain: { workspace: ["core"] },
  "openai-agents": { workspace: ["core"] },
  server: { workspace: ["protocol", "engine", "policies"] },
  dashboard: { workspace: ["protocol"] },
};
