import * as z from "zod";
import { slugSchema, tagSchema } from "./ids.ts";

/** A program that lets a model choose tool calls. */
export const agentSchema = z.strictObject({
  /** The name that policies and the control plane know it by; unique in a workspace. */
  slug: slugSchema,
  /** A name for people. */
  name: z.string().max(256).optional(),
  description: z.string().max(4096).optional(),
  /** Marks that policies select agents by. */
  tags: z.array(tagSchema).max(64).optional(),
});
export interface Agent extends z.infer<typeof agentSchema> {}

/** Which agents a policy is for; every field given must hold. An empty selector takes every agent. */
export const agentSelectorSchema = z.strictObject({
  /** The agent's slug is one of these. */
  anyOfSlugs: z.array(slugSchema).min(1).max(256).optional(),
  /** The agent has at least one of these tags. */
  anyOfTags: z.array(tagSchema).min(1).max(64).optional(),
  /** The agent has all of these tags. */
  allOfTags: z.array(tagSchema).min(1).max(64).optional(),
});
export interface AgentSelector extends z.infer<typeof agentSelectorSchema> {}
