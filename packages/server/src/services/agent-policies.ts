import type { Agent, Policy } from "@handlebar/protocol";

/** Whether a policy is for an agent; disabled and shadowed ones count too. */
export function isPolicyFor({ agents }: Policy, { slug, tags = [] }: Pick<Agent, "slug" | "tags">): boolean {
  if (agents?.anyOfSlugs?.includes(slug) === false) return false;
  if (agents?.anyOfTags?.some((tag) => tags.includes(tag)) === false) return false;
  return agents?.allOfTags?.every((tag) => tags.includes(tag)) !== false;
}
