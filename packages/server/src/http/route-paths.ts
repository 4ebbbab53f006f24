import type { Route } from "../routes/route.ts";

/** `/v1/agents/{agentId}` as the router writes it. */
export function toHonoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

/** Fixed parts before open ones, so that `/v1/runs/events` is never read as a run's id. */
export function sortRoutes(routes: readonly Route[]): readonly Route[] {
  return [...routes].sort((a, b) => {
    const left = rank(a.path);
    const right = rank(b.path);
    return left < right ? -1 : left > right ? 1 : 0;
  });
}

/** Whether a request's path, as it was sent, is one of this route. */
export function matchesPath(routePath: string, path: string): boolean {
  const parts = routePath.split("/");
  const given = path.split("/");
  return parts.length === given.length && parts.every((part, index) => fits(part, given[index] ?? ""));
}

function fits(part: string, given: string): boolean {
  return part.startsWith("{") ? given !== "" : part === given;
}

function rank(path: string): string {
  return path
    .split("/")
    .map((part) => (part.startsWith("{") ? "1" : "0"))
    .join("");
}
