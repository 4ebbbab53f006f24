import * as z from "zod";
import { globSchema, toolNameSchema } from "./glob.ts";
import { tagSchema } from "./ids.ts";
import { jsonObjectSchema } from "./json.ts";

/** How confidential what a tool returns is; it also acts as the tag `classification:<value>`. */
export const classificationSchema = z.enum(["public", "internal", "confidential", "restricted"]);
export type Classification = z.infer<typeof classificationSchema>;

/** Something an agent can call. */
export const toolSchema = z.strictObject({
  name: toolNameSchema,
  description: z.string().max(16_384).optional(),
  /** Marks that policies select tools by, such as `read-only`, `external` or `pii`. */
  tags: z.array(tagSchema).max(64).optional(),
  classification: classificationSchema.optional(),
  /** JSON Schema of the arguments; lets a control plane check policies against them. */
  argsSchema: jsonObjectSchema.optional(),
  /** Where the tool runs. Default `function`. */
  kind: z.enum(["function", "mcp", "provider", "agent"]).optional(),
  /** The user's own version of the tool. */
  version: z.string().max(64).optional(),
  metadata: jsonObjectSchema.optional(),
});
export interface Tool extends z.infer<typeof toolSchema> {}

/** A tool's tags as policies see them: its own and, where it is classified, `classification:<value>`. */
export function effectiveTags({
  tags = [],
  classification,
}: {
  readonly tags?: readonly string[] | undefined;
  readonly classification?: Classification | undefined;
}): readonly string[] {
  return classification === undefined ? tags : [...tags, `classification:${classification}`];
}

/** Which tools a rule, a source or a count is about; every field given must hold. An empty selector takes every tool. */
export const toolSelectorSchema = z.strictObject({
  /** A glob, or several of which one must match. */
  name: z.union([globSchema, z.array(globSchema).min(1).max(256)]).optional(),
  /** The tool has at least one of these tags. */
  tagsAny: z.array(tagSchema).min(1).max(64).optional(),
  /** The tool has all of these tags. */
  tagsAll: z.array(tagSchema).min(1).max(64).optional(),
});
export interface ToolSelector extends z.infer<typeof toolSelectorSchema> {}
