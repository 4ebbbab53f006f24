import * as z from "zod";

/** An entity that a user's extractor found in a call, such as the patient whose record is read. */
export const subjectSchema = z.strictObject({
  /** What it is, such as `patient`. */
  subjectType: z.string().min(1).max(128),
  /** Its identifier. */
  value: z.string().min(1).max(1024),
  /** Its part in the call, such as `recipient`. */
  role: z.string().min(1).max(128).optional(),
  /** Which system's identifier it is. */
  idSystem: z.string().min(1).max(128).optional(),
});
export interface Subject extends z.infer<typeof subjectSchema> {}
