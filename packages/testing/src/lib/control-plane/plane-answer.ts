import { type HandlebarErrorCode, type Problem, toIssues } from "@handlebar/protocol";
import type * as z from "zod";
import type { SimResponse } from "../sim-http.ts";

/** An error answer in the form of `problemSchema`. */
export function problemResponse(
  status: number,
  code: HandlebarErrorCode,
  rest: { readonly title: string; readonly detail?: string; readonly field?: string },
): SimResponse {
  const problem: Problem = { status, code, ...rest };
  return { status, headers: { "content-type": "application/problem+json" }, body: JSON.stringify(problem) };
}

/** A body of the form that a route asks for, or the answer that says what is wrong with it. */
export function readBody<T>(
  schema: z.ZodType<T>,
  body: unknown,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly response: SimResponse } {
  const parsed = schema.safeParse(body);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [issue] = toIssues(parsed.error, body);
  const detail = { title: "the request is wrong", detail: issue?.message ?? "", field: issue?.field ?? "" };
  return { ok: false, response: problemResponse(400, "HB_API_REJECTED", detail) };
}
