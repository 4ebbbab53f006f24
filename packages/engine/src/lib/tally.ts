import type { PlannedRedaction } from "@handlebar/protocol";
import { type CompiledRule, SEVERITY } from "./compiled-rule.ts";

/** What the rules that matched come to. The order in which they are taken does not matter. */
export class Tally {
  /** The most severe; of equals the one of lowest `rank`. */
  winner: CompiledRule | undefined = undefined;
  /** -1 while nothing matched. */
  severity: number = -1;
  /** The winner counts as a block because a shared reading was out of reach. */
  isUnavailable: boolean = false;
  /** Some rule that blocks asks to end the run. */
  blockTerminates: boolean = false;
  /** Some rule that holds the call asks to end the run. */
  holdTerminates: boolean = false;
  redactions: PlannedRedaction[] = [];

  /** @param isUnavailable take the rule as a block, whatever its effect. */
  take(rule: CompiledRule, isUnavailable: boolean): void {
    const severity = isUnavailable ? SEVERITY.block : rule.severity;
    if (rule.terminates) {
      if (severity === SEVERITY.block) this.blockTerminates = true;
      else this.holdTerminates = true;
    }
    if (!isUnavailable && rule.redactions.length > 0) this.redactions.push(...rule.redactions);
    if (severity < this.severity) return;
    if (severity === this.severity && this.winner !== undefined && this.winner.rank < rule.rank) return;
    this.winner = rule;
    this.severity = severity;
    this.isUnavailable = isUnavailable;
  }

  clone(): Tally {
    const copy = new Tally();
    copy.winner = this.winner;
    copy.severity = this.severity;
    copy.isUnavailable = this.isUnavailable;
    copy.blockTerminates = this.blockTerminates;
    copy.holdTerminates = this.holdTerminates;
    copy.redactions = [...this.redactions];
    return copy;
  }
}
