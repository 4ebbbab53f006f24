import * as z from "zod";

/** Any identifier that Handlebar or its user makes: 1 to 256 characters, none of them a control character. */
export const idSchema: z.ZodString = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\u0000-\u001f\u007f]+$/, "must not contain control characters");

/** An agent's registered name: letters, digits, `.`, `_` and `-`; starts with a letter or digit; at most 128 characters. */
export const slugSchema: z.ZodString = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "use letters, digits, `.`, `_` and `-`, starting with a letter or digit");

/** A tag or label: 1 to 128 characters, no white space at either end. */
export const tagSchema: z.ZodString = z
  .string()
  .min(1)
  .max(128)
  .regex(/^\S(.*\S)?$/, "must not start or end with white space");

/** An instant in ISO 8601 with a zone, as events carry it. */
export const timestampSchema: z.ZodISODateTime = z.iso.datetime({ offset: true });
