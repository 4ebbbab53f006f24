import { ERROR_CODES, HandlebarError, type HandlebarErrorCode, type Problem } from "@handlebar/protocol";
import { type ProblemKind, ServiceProblem } from "../services/problem.ts";

/** A request that HTTP itself refuses, before any service saw it. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly code: HandlebarErrorCode;
  readonly field: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>> | undefined;

  constructor(
    status: number,
    code: HandlebarErrorCode,
    details: {
      readonly message: string;
      readonly field?: string | undefined;
      readonly headers?: Readonly<Record<string, string>> | undefined;
      readonly members?: Readonly<Record<string, unknown>> | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(details.message, { cause: details.cause });
    this.name = "HttpProblem";
    this.status = status;
    this.code = code;
    this.field = details.field;
    this.headers = details.headers ?? {};
    this.members = details.members;
  }
}

const STATUS: Readonly<Record<ProblemKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  "too-large": 413,
  "too-many": 429,
  unavailable: 503,
};

/** Errors of the store and below that are not the server's own failure. */
const STATUS_OF_CODE: ReadonlyMap<HandlebarErrorCode, number> = new Map<HandlebarErrorCode, number>([
  ["HB_REQUEST_INVALID", 400],
  ["HB_NOT_FOUND", 404],
  ["HB_CONFLICT", 409],
  ["HB_OVERLOADED", 429],
  ["HB_STORE_UNAVAILABLE", 503],
  ["HB_SERVER_STOPPING", 503],
]);

const RETRY_SOON = { "retry-after": "1" } as const;

/** What was thrown, as the problem that the client gets; what nobody foresaw becomes `HB_SERVER_FAILED`, without a word of its own. */
export function toHttpProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof ServiceProblem) return fromService(error);
  const status = HandlebarError.is(error) ? STATUS_OF_CODE.get(error.code) : undefined;
  if (HandlebarError.is(error) && status !== undefined) return fromError(error, status);
  const { meaning, fix } = ERROR_CODES.HB_SERVER_FAILED;
  return new HttpProblem(500, "HB_SERVER_FAILED", { message: `${meaning}; ${fix}` });
}

function fromError(error: HandlebarError, status: number): HttpProblem {
  // What a database says of its failure is for the log alone.
  const message = status === 503 ? ERROR_CODES[error.code].meaning : error.message.slice(`${error.code}: `.length);
  const headers = status === 503 || status === 429 ? RETRY_SOON : {};
  return new HttpProblem(status, error.code, { message, field: error.field, headers, cause: error });
}

function fromService(problem: ServiceProblem): HttpProblem {
  const seconds = problem.retryAfterSeconds ?? (problem.kind === "unavailable" ? 1 : undefined);
  return new HttpProblem(STATUS[problem.kind], problem.code, {
    message: problem.message,
    field: problem.field,
    members: problem.members,
    headers: {
      ...(seconds === undefined ? {} : { "retry-after": String(Math.max(1, Math.ceil(seconds))) }),
      ...(problem.kind === "unauthenticated" ? { "www-authenticate": "Bearer" } : {}),
    },
  });
}

/** The document of `application/problem+json`. */
export function problemDocument(problem: HttpProblem, requestId: string): Problem {
  return {
    ...problem.members,
    title: ERROR_CODES[problem.code].meaning,
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    ...(problem.field === undefined ? {} : { field: problem.field }),
    requestId,
  };
}
