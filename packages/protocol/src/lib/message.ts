import * as z from "zod";
import { jsonValueSchema } from "./json.ts";

/** One part of a message; parts keep their order, and redaction rewrites them in place. */
export const messagePartSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), text: z.string() }),
  z.strictObject({ type: z.literal("reasoning"), text: z.string() }),
  z.strictObject({ type: z.literal("tool-call"), callId: z.string(), tool: z.string(), args: jsonValueSchema }),
  z.strictObject({
    type: z.literal("tool-result"),
    callId: z.string(),
    tool: z.string().optional(),
    result: jsonValueSchema,
    isError: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal("file"), mediaType: z.string(), name: z.string().optional() }),
]);
export type MessagePart = z.infer<typeof messagePartSchema>;

/** One message to or from a model. */
export const messageSchema = z.strictObject({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: z.union([z.string(), z.array(messagePartSchema)]),
});
export interface Message extends z.infer<typeof messageSchema> {}

/** The model a run or request uses. */
export const modelSchema = z.strictObject({
  name: z.string().min(1).max(256),
  provider: z.string().min(1).max(128).optional(),
});
export interface Model extends z.infer<typeof modelSchema> {}
