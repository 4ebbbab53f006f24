/** A recorded call that a rule would have answered. */
export interface ReplayExample {
  readonly runId: string;
  readonly callId: string;
  /** Its place in the run, where that was recorded. */
  readonly step?: number | string | undefined;
  /** `model` for a model call. */
  readonly tool: string;
  /** As JSON, cut to 200 characters. */
  readonly args: string;
}

/** A recorded call that was answered otherwise than the candidate would. */
export interface ReplayChange extends ReplayExample {
  readonly recorded: "allowed" | "blocked";
  readonly now: "allowed" | "held" | "blocked";
}

/** How often something would have been done. A call counts for every rule that asks something of it. */
export interface ReplayTally {
  readonly blocked: number;
  readonly held: number;
  /** Calls whose payload it would have changed; where it finds nothing to take out it does nothing. */
  readonly redacted: number;
  /** Of those blocked and held: how often that would have ended the run. */
  readonly terminated: number;
}

/** What one rule would have done. */
export interface ReplayRule extends ReplayTally {
  readonly policyId: string;
  readonly ruleId: string;
  /** `shadow`: it would have changed nothing, and is counted as if it had. */
  readonly mode: "enforce" | "shadow";
  /** Calls that it was asked about: of its phase, agents and tools. With 0, tags or agents are not those of the record. */
  readonly asked: number;
  /** The first few of them. */
  readonly examples: readonly ReplayExample[];
}

/** What the rules of one policy would have done together. */
export interface ReplayPolicy extends ReplayTally {
  readonly policyId: string;
  readonly mode: "enforce" | "shadow";
}

/** Tool calls by what would have become of them. */
export interface ReplayAnswers {
  readonly allowed: number;
  /** A person would have been asked. */
  readonly held: number;
  readonly blocked: number;
  /** Of those held and blocked: how many would have ended their run. */
  readonly terminated: number;
}

export interface ReplayReport {
  readonly rows: number;
  /** Rows that could not be read, by why. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly runs: number;
  /** Runs whose memory was given up before their end, since too many were open; what came later of them began anew. */
  readonly forgottenRuns: number;
  /** Tool calls that were decided again. */
  readonly calls: number;
  readonly modelCalls: number;
  readonly answers: ReplayAnswers;
  /** The same if the policies in shadow were enforced too. */
  readonly answersWithShadow: ReplayAnswers;
  /**
   * Tool calls that were let through and would not be, and that were blocked and would be let through. Not compared is what was
   * blocked by a lockdown or because its run had ended, which no policy decides.
   */
  readonly changed: {
    readonly stricter: number;
    readonly milder: number;
    /** The first few of each. */
    readonly examples: readonly ReplayChange[];
  };
  readonly policies: readonly ReplayPolicy[];
  /** Every rule of the candidate, the busiest first. */
  readonly rules: readonly ReplayRule[];
  /** What makes the replay differ from what a client would have decided. */
  readonly gaps: {
    /** Events that were lost before they were recorded, as far as the record says. */
    readonly lostEvents: number;
    /** Calls, results and messages that were recorded with something masked, cut or left out: conditions see what is left. */
    readonly incomplete: number;
    /** Runs whose beginning is not in the record: their counters, sequences and labels begin where the record does. */
    readonly cutRuns: number;
    /** What rules asked for and no record has, such as `signal risk`: unknown to the rules, which do what `onUnknown` says. */
    readonly missing: readonly string[];
  };
}
