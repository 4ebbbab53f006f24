import * as z from "zod";

/** A tool's name as its agent registered it: 1 to 256 characters. */
export const toolNameSchema: z.ZodString = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\u0000-\u001f\u007f]+$/, "must not contain control characters");

/** A pattern over a whole name: `*` is any run of characters (also none, also `/` and `.`), `?` is one; all else is literal. */
export const globSchema: z.ZodString = z.string().min(1).max(256);
