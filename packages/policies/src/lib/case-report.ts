import type { Decision, Phase } from "@handlebar/protocol";
import type { FilePlace } from "./read-policies.ts";

/** What a case expected and did not get. */
export interface CaseFailure {
  /** Number of the step, from 1. */
  readonly step: number;
  readonly place: FilePlace;
  /** The phase whose decision it is about. */
  readonly phase: Phase;
  /** What was expected and what was decided instead, on one line. */
  readonly message: string;
  readonly decision: Decision;
}

/** What became of one case. */
export interface CaseResult {
  readonly name: string;
  readonly place: FilePlace;
  readonly passed: boolean;
  /** The failures of the first step that had any; later steps were not run. */
  readonly failures: readonly CaseFailure[];
  /** Decisions that were made. */
  readonly decisionCount: number;
}

/** A rule of the policies. */
export interface CaseRule {
  readonly policyId: string;
  readonly policyName: string;
  readonly ruleId: string;
  readonly ruleName: string;
}

/** What became of all cases. */
export interface CasesReport {
  readonly results: readonly CaseResult[];
  readonly passedCount: number;
  readonly failedCount: number;
  /** Enabled rules that matched in no case: nothing shows that they do what they are for. */
  readonly unmatchedRules: readonly CaseRule[];
}
