import { ExpectationError } from "../contract-case.ts";
import { type AttackCase, approvalAttacks } from "./approval-attacks.ts";
import type { AttackWorld } from "./attacked-agent.ts";

/** What one attack came to, over all the ways in which it was tried. */
export interface AttackResult {
  readonly attack: string;
  readonly outcome: string;
  /** The ways in which it was tried and the outcome was this. */
  readonly ways: readonly string[];
  /** Ways in which there is no place for it, by reason. */
  readonly notPossible?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** One column of the table of attacks, as it is checked in. */
export interface AttackResults {
  readonly column: string;
  /** What it was seen on, such as `langchain 1.5.14`. */
  readonly framework: string;
  readonly attacks: readonly AttackResult[];
}

/** One way in which every attack is tried. */
export interface AttackWay {
  readonly name: string;
  /** Asked for once for each attack, and closed after it where it can be. */
  open(): ClosableWorld;
  /** Attacks for which there is no place, by attack. */
  readonly notPossible?: Readonly<Record<string, NotPossible>> | undefined;
}

export type ClosableWorld = AttackWorld & { close?(): Promise<void> };

export interface NotPossible {
  readonly reason: string;
  /** `fails` (default): the case is run and must fail, so that the day it holds is noticed. `absent`: there is nothing to run. */
  readonly kind?: "fails" | "absent" | undefined;
}

export interface AttackSuite {
  readonly cases: readonly AttackCase[];
  /** @throws ExpectationError while an attack was not tried or succeeded. */
  results(): AttackResults;
}

/**
 * Every attack on approvals in each of the ways, as cases that any test runner can run, and their results to be checked in:
 *
 * ```ts
 * const suite = attackSuite({ column: "LangChain", framework }, attackWays(subject));
 * for (const { name, run } of suite.cases) it(name, run);
 * it("results", () => expect(suite.results()).toEqual(checkedIn));
 * ```
 */
export function attackSuite(of: Omit<AttackResults, "attacks">, ways: readonly AttackWay[]): AttackSuite {
  const passed = new Set<string>();
  const cases = ways.flatMap((way) => casesOf(way, passed));
  const attacks = [...new Map(cases.map((one) => [one.attack, one])).values()];
  checkDeclared(attacks, ways);
  return {
    cases,
    results: () => {
      const missing = cases.filter(({ name }) => !passed.has(name)).map(({ name }) => name);
      if (missing.length > 0) throw new ExpectationError("attacks that have not been tried", missing, []);
      return { ...of, attacks: attacks.map((attack) => resultOf(attack, ways)) };
    },
  };
}

function casesOf(way: AttackWay, passed: Set<string>): readonly AttackCase[] {
  const opened: ClosableWorld[] = [];
  const open = (): ClosableWorld => {
    const world = way.open();
    opened.push(world);
    return world;
  };
  return approvalAttacks(open).map(({ run, name, ...attack }): AttackCase => {
    const notPossible = reasonOf(way, attack.attack);
    const shown = `${notPossible === undefined ? name : `${attack.attack}: not possible here`} [${way.name}]`;
    const close = async (): Promise<void> => {
      for (const world of opened.splice(0)) await world.close?.();
    };
    return {
      ...attack,
      name: shown,
      run: async () => {
        if (notPossible?.kind !== "absent") {
          const failure = await failureOf(run, close);
          if (notPossible === undefined && failure !== undefined) throw failure;
          if (notPossible !== undefined && failure === undefined) {
            throw new ExpectationError(
              `the attack \`${attack.attack}\`, declared as not possible`,
              "it holds",
              "it fails",
            );
          }
        }
        passed.add(shown);
      },
    };
  });
}

async function failureOf(run: () => Promise<void>, close: () => Promise<void>): Promise<unknown> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error ?? new Error("the case threw nothing that can be shown");
  } finally {
    await close();
  }
}

function reasonOf({ notPossible = {} }: AttackWay, attack: string): NotPossible | undefined {
  return Object.hasOwn(notPossible, attack) ? notPossible[attack] : undefined;
}

function checkDeclared(attacks: readonly AttackCase[], ways: readonly AttackWay[]): void {
  const declared = ways.flatMap(({ notPossible = {} }) => Object.keys(notPossible));
  const unknown = declared.filter((name) => !attacks.some(({ attack }) => attack === name));
  if (unknown.length > 0) throw new ExpectationError("attacks declared as not possible", unknown, []);
}

function resultOf({ attack, outcome }: AttackCase, ways: readonly AttackWay[]): AttackResult {
  const tried = ways.filter((way) => reasonOf(way, attack) === undefined).map(({ name }) => name);
  const notPossible: Record<string, string[]> = {};
  for (const way of ways) {
    const declared = reasonOf(way, attack);
    if (declared !== undefined) notPossible[declared.reason] = [...(notPossible[declared.reason] ?? []), way.name];
  }
  return { attack, outcome, ways: tried, ...(Object.keys(notPossible).length === 0 ? {} : { notPossible }) };
}
