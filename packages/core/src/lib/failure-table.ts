import type { Cause, Control, Decision, HandlebarErrorCode, Verdict } from "@handlebar/protocol";

/** What went wrong, one name for each row of the table that SPEC "When things fail" gives. */
export type Failure =
  | "nothing-configured"
  | "not-ready"
  | "lost"
  | "stale"
  | "auth-refused"
  | "approval-unavailable"
  | "sink-failed"
  | "user-function-failed";

/** What follows. `decide` goes on with what is at hand; `answer` is the decision where nothing is at hand. */
export interface Consequence {
  /** Decide by local policies and readings, marked with `code`; otherwise `answer` is given. */
  readonly decideLocally: boolean;
  readonly answer: { readonly verdict: Verdict; readonly control: Control };
  readonly code: HandlebarErrorCode;
  /** `init` throws. */
  readonly throws: boolean;
  /** The developer is told once. */
  readonly warns: boolean;
}

type Row = { readonly open: Consequence; readonly closed: Consequence };

const ALLOW = { verdict: "ALLOW", control: "CONTINUE" } as const;
const BLOCK = { verdict: "BLOCK", control: "CONTINUE" } as const;
const STOP = { verdict: "BLOCK", control: "TERMINATE" } as const;

const consequence = (
  code: HandlebarErrorCode,
  answer: Consequence["answer"],
  rest: Partial<Consequence> = {},
): Consequence => ({ decideLocally: false, answer, code, throws: false, warns: false, ...rest });

/** The table. `open` is `failClosed: false`, `closed` is `failClosed: true`. */
const TABLE: Readonly<Record<Failure, Row>> = {
  "nothing-configured": {
    open: consequence("HB_CONFIG_NOTHING_GOVERNED", ALLOW, { decideLocally: true, warns: true }),
    closed: consequence("HB_CONFIG_NOTHING_GOVERNED", STOP, { throws: true }),
  },
  "not-ready": {
    open: consequence("HB_STATE_NOT_READY", ALLOW),
    closed: consequence("HB_STATE_NOT_READY", STOP),
  },
  lost: {
    open: consequence("HB_API_UNREACHABLE", ALLOW, { decideLocally: true }),
    closed: consequence("HB_API_UNREACHABLE", BLOCK, { decideLocally: true }),
  },
  stale: {
    open: consequence("HB_STATE_STALE", ALLOW, { decideLocally: true, warns: true }),
    closed: consequence("HB_STATE_STALE", BLOCK, { warns: true }),
  },
  "auth-refused": {
    open: consequence("HB_API_AUTH", ALLOW, { decideLocally: true, warns: true }),
    closed: consequence("HB_API_AUTH", BLOCK, { warns: true }),
  },
  "approval-unavailable": {
    open: consequence("HB_APPROVAL_UNAVAILABLE", BLOCK),
    closed: consequence("HB_APPROVAL_UNAVAILABLE", BLOCK),
  },
  "sink-failed": {
    open: consequence("HB_SINK_FAILED", ALLOW, { decideLocally: true }),
    closed: consequence("HB_SINK_FAILED", ALLOW, { decideLocally: true }),
  },
  "user-function-failed": {
    open: consequence("HB_USER_FUNCTION_FAILED", ALLOW, { decideLocally: true }),
    closed: consequence("HB_USER_FUNCTION_FAILED", ALLOW, { decideLocally: true }),
  },
};

/** The one place that says what a failure of Handlebar's own means for a call. */
export function onFailure(failure: Failure, failClosed: boolean): Consequence {
  return failClosed ? TABLE[failure].closed : TABLE[failure].open;
}

/** The decision that a consequence gives where nothing can be decided locally. */
export function failureDecision(consequence: Consequence): Decision {
  const { verdict, control } = consequence.answer;
  const cause: Cause = { kind: "UNAVAILABLE", code: consequence.code };
  const message =
    verdict === "ALLOW"
      ? "this call was let through without a policy decision"
      : "this call was denied because it could not be checked; it may be tried again later";
  return { verdict, control, cause, message, evaluatedRules: [], degraded: [consequence.code] };
}
