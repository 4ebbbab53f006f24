import { AGENT_CASES } from "./agent-cases.test-support.ts";
import { APPROVAL_CASES } from "./approval-cases.test-support.ts";
import { AUDIT_CASES } from "./audit-cases.test-support.ts";
import { BUDGET_CASES } from "./budget-cases.test-support.ts";
import type { ContractCase } from "./contract-case.test-support.ts";
import { CONTROL_CASES } from "./control-cases.test-support.ts";
import { EVENT_CASES } from "./event-cases.test-support.ts";
import { POLICY_CASES } from "./policy-cases.test-support.ts";
import { RUN_CASES } from "./run-cases.test-support.ts";
import { SHADOW_COUNT_CASES } from "./shadow-count-cases.test-support.ts";
import { WEBHOOK_CASES } from "./webhook-cases.test-support.ts";

/** What every store must do; each case gets two workspaces of its own. */
export const STORE_CONTRACT: readonly ContractCase[] = [
  ...CONTROL_CASES,
  ...AGENT_CASES,
  ...POLICY_CASES,
  ...APPROVAL_CASES,
  ...AUDIT_CASES,
  ...WEBHOOK_CASES,
  ...BUDGET_CASES,
  ...RUN_CASES,
  ...EVENT_CASES,
  ...SHADOW_COUNT_CASES,
];
