import type { ExitHost } from "./exit-hooks.ts";

/** This process, where the host has one that tells of its end. */
export function hostProcess(): ExitHost | undefined {
  const host: unknown = globalThis.process;
  if (typeof host !== "object" || host === null) return undefined;
  const { on, kill } = host as { on?: unknown; kill?: unknown };
  // Edge runtimes may have an object of this name that has neither.
  return typeof on === "function" && typeof kill === "function" ? (host as ExitHost) : undefined;
}
