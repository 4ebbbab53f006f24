/** How the adapter names itself in the events of a run. */
export const ADAPTER = { name: "@handlebar/openai-agents", version: "0.1.0" } as const;
