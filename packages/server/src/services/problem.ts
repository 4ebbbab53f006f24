import type { HandlebarErrorCode } from "@handlebar/protocol";

/** What kind of refusal; routes give each its HTTP status. */
export type ProblemKind =
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "conflict"
  | "too-large"
  | "too-many"
  | "unavailable";

export interface ProblemDetails {
  /** What is wrong and what to do; safe to show. */
  readonly message: string;
  readonly field?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  /** Further members of the problem document, such as `findings`. */
  readonly members?: Readonly<Record<string, unknown>> | undefined;
}

/** A request that cannot be answered as asked: the caller's fault, or a moment's. Nothing of it was done. */
export class ServiceProblem extends Error {
  readonly kind: ProblemKind;
  readonly code: HandlebarErrorCode;
  /** The field of the request that is wrong. */
  readonly field: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly members: Readonly<Record<string, unknown>> | undefined;

  constructor(kind: ProblemKind, code: HandlebarErrorCode, details: ProblemDetails) {
    super(details.message);
    this.name = "ServiceProblem";
    this.kind = kind;
    this.code = code;
    this.field = details.field;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.members = details.members;
  }
}
