import { type HandlebarErrorCode, type Problem, parseValue } from "@handlebar/protocol";
import type { SimResponse } from "../sim-http.ts";

/** What is wrong with a request, as `problemSchema` has it. */
export class RequestProblem extends Error {
  readonly problem: Problem;

  constructor(status: number, code: HandlebarErrorCode, rest: { readonly title: string; readonly field?: string }) {
    super(rest.title);
    this.problem = { status, code, ...rest };
  }
}

/** An error answer in the form of `problemSchema`. */
export function problemResponse(problem: Problem): SimResponse {
  return {
    status: problem.status,
    headers: { "content-type": "application/problem+json" },
    body: JSON.stringify(problem),
  };
}

/** What a schema of the protocol makes of a value. */
type BodyOf<S extends Parameters<typeof parseValue>[0]> = Extract<
  ReturnType<typeof parseValue<S>>,
  { readonly ok: true }
>["value"];

/** A body of the form that a route asks for. @throws RequestProblem naming the first field that is wrong. */
export function readBody<S extends Parameters<typeof parseValue>[0]>(schema: S, body: unknown): BodyOf<S> {
  const parsed = parseValue(schema, body);
  if (parsed.ok) return parsed.value;
  const [issue] = parsed.issues;
  const path = issue?.path ?? "";
  throw new RequestProblem(400, "HB_API_REJECTED", {
    title: `${path} ${issue?.message ?? "is wrong"}`.trim(),
    field: path,
  });
}

/** The answer for something that does not exist. */
export function notFound(what: string): RequestProblem {
  return new RequestProblem(404, "HB_API_REJECTED", { title: `${what} does not exist` });
}
