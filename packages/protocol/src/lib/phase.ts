import * as z from "zod";

/** Where in an agent's loop a rule is asked. */
export const phaseSchema = z.enum(["tool.before", "tool.after", "llm.before", "llm.after"]);
export type Phase = z.infer<typeof phaseSchema>;

/** Every phase, in the order of a loop. */
export const PHASES: readonly Phase[] = ["llm.before", "llm.after", "tool.before", "tool.after"];
