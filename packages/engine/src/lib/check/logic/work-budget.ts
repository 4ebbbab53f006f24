/** How much may be tried before nothing more is claimed, in comparisons of two small things. */
export class WorkBudget {
  #left: number;

  constructor(count: number) {
    this.#left = count;
  }

  get left(): number {
    return this.#left;
  }

  /** Takes so much from what is left; false when it is used up. */
  spend(count: number): boolean {
    this.#left -= count;
    return this.#left > 0;
  }
}
