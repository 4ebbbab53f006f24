import { APPROVAL_CASES } from "./approval-cases.ts";
import { AUDIT_CASES } from "./audit-cases.ts";
import { BLOCK_CASES } from "./block-cases.ts";
import type { CaseBody } from "./contract-case-body.ts";
import { ERROR_CASES } from "./error-cases.ts";
import { NESTED_CASES } from "./nested-cases.ts";
import { REDACT_CASES } from "./redact-cases.ts";
import { RUN_CASES } from "./run-cases.ts";
import { TERMINATE_CASES } from "./terminate-cases.ts";
import { WATCH_CASES } from "./watch-cases.ts";

/** Every case of the adapter contract, in the order in which results list them. */
export const CASES: readonly CaseBody[] = [
  ...BLOCK_CASES,
  ...TERMINATE_CASES,
  ...RUN_CASES,
  ...WATCH_CASES,
  ...AUDIT_CASES,
  ...ERROR_CASES,
  ...REDACT_CASES,
  ...APPROVAL_CASES,
  ...NESTED_CASES,
];
