import { openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** What a process did to one budget. */
export interface Witnessed {
  readonly callCount: number;
  readonly used: number;
}

/** Writes down what a process does before it does it; what is written stays when the process is killed. */
export class Witness {
  readonly #file: number;

  constructor(folder: string, processName: string) {
    this.#file = openSync(join(folder, `${processName}.witness`), "a");
  }

  /** The call starts now and comes to this much, whether it ends or not. */
  begins(budget: string, amount: number): void {
    writeSync(this.#file, `${budget} ${amount}\n`);
  }
}

/** What all processes that wrote into the folder really did, by budget. */
export function readWitnesses(folder: string): ReadonlyMap<string, Witnessed> {
  const all = new Map<string, Witnessed>();
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".witness"))) {
    for (const line of readFileSync(join(folder, name), "utf8").split("\n")) {
      const [budget = "", amount] = line.split(" ");
      if (amount === undefined) continue;
      const { callCount, used } = all.get(budget) ?? { callCount: 0, used: 0 };
      all.set(budget, { callCount: callCount + 1, used: used + Number(amount) });
    }
  }
  return all;
}
