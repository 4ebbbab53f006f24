import { type Issue, idSchema, parseValue } from "@handlebar/protocol";
import * as z from "zod";
import { PROBLEM_ISSUE_COUNT_MAX } from "../limits.ts";
import { HttpProblem } from "./http-problem.ts";

/** The schema of a path whose route gives none: every part is an id. */
export function idsOfPath(path: string): z.ZodType {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
  return z.strictObject(Object.fromEntries(names.map((name) => [name, idSchema])));
}

/** Query parameters: text, or a list of texts where one is given more than once. */
export function readQuery(queries: Readonly<Record<string, readonly string[]>>): unknown {
  const entries = Object.entries(queries).map(([name, values]) => [name, values.length === 1 ? values[0] : values]);
  return Object.fromEntries(entries);
}

/**
 * What the schema makes of a part of a request.
 * @throws HttpProblem `HB_REQUEST_INVALID` that names the first field that is wrong, and lists the others.
 */
export function parsePart<S extends z.ZodType>(
  schema: S,
  value: unknown,
  part: "path" | "query" | "body",
): z.output<S> {
  // The usual case costs no more than the check itself; only a refused value is looked at again for what to say.
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const again = parseValue(schema, value);
  const issues = again.ok ? [] : again.issues.slice(0, PROBLEM_ISSUE_COUNT_MAX);
  const [first] = issues;
  throw new HttpProblem(400, "HB_REQUEST_INVALID", {
    message: first === undefined ? `the ${part} does not have its form` : describe(first, part),
    field: first === undefined || first.path === "" ? part : first.path,
    members: issues.length < 2 ? undefined : { issues: issues.map((issue) => toMember(issue, part)) },
  });
}

function describe({ path, message, unknownField }: Issue, part: string): string {
  if (path === "") return `the ${part} ${message}`;
  return unknownField === true ? `\`${path}\` is an ${message}` : `\`${path}\` ${message}`;
}

function toMember({ path, message }: Issue, part: string): { readonly field: string; readonly message: string } {
  return { field: path === "" ? part : path, message };
}
