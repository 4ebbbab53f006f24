import type { Decision } from "@handlebar/protocol";
import type { SeededRandom } from "@handlebar/testing";
import type { SharedBudget } from "./shared-budgets.fixture.ts";

/** The clock that windows go by. */
export interface WindowClock {
  nowMs(): number;
  /** How far it was stepped up to now, whichever way. */
  readonly steppedMs: number;
}

/** What was really used of one budget, whoever knows of it. */
export class UsedBudget {
  readonly budget: SharedBudget;
  /** The most by which the window was ever above its limit; 0 while it never was. */
  overshoot: number = 0;
  /** All that was ever used. */
  used: number = 0;
  /** How many decisions came to what. */
  readonly decisions: Map<string, number> = new Map();
  readonly #clock: WindowClock;
  readonly #spent: { readonly atMs: number; readonly steppedMs: number; readonly amount: number }[] = [];
  #underWay = 0;

  constructor(budget: SharedBudget, clock: WindowClock) {
    this.budget = budget;
    this.#clock = clock;
  }

  /** What a call will come to. */
  draw(random: SeededRandom): number {
    const { estimate } = this.budget;
    return estimate === undefined ? 1 : Math.round(random.next() * estimate * 100) / 100;
  }

  note({ verdict, cause }: Decision): void {
    const name = `${verdict} ${cause.kind}`;
    this.decisions.set(name, (this.decisions.get(name) ?? 0) + 1);
  }

  /** A call begins. One that is counted is used at once; what another one comes to, it comes to in the end. */
  begin(amount: number): void {
    if (this.budget.estimate === undefined) this.#spend(amount);
    else this.#underWay += amount;
    this.#check();
  }

  end(amount: number): void {
    if (this.budget.estimate === undefined) return;
    this.#underWay -= amount;
    this.#spend(amount);
    this.#check();
  }

  #spend(amount: number): void {
    this.used += amount;
    this.#spent.push({ atMs: this.#clock.nowMs(), steppedMs: this.#clock.steppedMs, amount });
  }

  #check(): void {
    const sinceMs = this.#clock.nowMs() - this.budget.windowMs;
    let sum = this.#underWay;
    for (const { atMs, steppedMs, amount } of this.#spent) {
      // A clock that is stepped moves the end of the window by as much.
      if (atMs > sinceMs + (this.#clock.steppedMs - steppedMs)) sum += amount;
    }
    // Sums of prices are rounded.
    const over = Math.round((sum - this.budget.limit) * 1e6) / 1e6;
    this.overshoot = Math.max(this.overshoot, over);
  }
}
