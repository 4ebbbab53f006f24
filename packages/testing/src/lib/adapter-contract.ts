import type { AdapterMode, AdapterSubject, CannotReason } from "./adapter-contract/adapter-subject.ts";
import { CASES } from "./adapter-contract/cases.ts";
import type { CaseBody } from "./adapter-contract/contract-case-body.ts";
import { openWorld } from "./adapter-contract/contract-world.ts";
import { type ContractCase, ExpectationError } from "./contract-case.ts";

/** One case of the adapter contract in one mode. */
export interface AdapterContractCase extends ContractCase {
  readonly id: string;
  readonly mode: string;
}

/** What a case came to, over all modes that it fits. */
export type AdapterCaseResult =
  | { readonly id: string; readonly title: string; readonly result: "yes"; readonly modes: readonly string[] }
  | {
      readonly id: string;
      readonly title: string;
      readonly result: "no" | "partly";
      readonly modes: readonly string[];
      readonly reason: string;
      readonly issue?: string | undefined;
    }
  /** The adapter has no mode that the case fits. */
  | { readonly id: string; readonly title: string; readonly result: "none" };

export interface AdapterContractResults {
  readonly adapter: string;
  readonly framework: string;
  readonly cases: readonly AdapterCaseResult[];
}

export interface AdapterContract {
  readonly cases: readonly AdapterContractCase[];
  /** What the cases that ran came to. @throws ExpectationError while a case has not run or has failed. */
  results(): AdapterContractResults;
}

/** The id and title of every case, in order. */
export const ADAPTER_CONTRACT_CASES: readonly { readonly id: string; readonly title: string }[] = CASES.map(
  ({ id, title }) => ({ id, title }),
);

/**
 * What every adapter must hold to, as cases that any test runner can run:
 *
 * ```ts
 * const contract = adapterContract(subject);
 * for (const { name, run } of contract.cases) it(name, run);
 * it("results", () => expect(contract.results()).toEqual(checkedIn));
 * ```
 *
 * A case that the subject declares `cannot` passes when it fails, so that the day it holds is noticed.
 */
export function adapterContract(subject: AdapterSubject): AdapterContract {
  const passed = new Set<string>();
  const cases = CASES.flatMap((body) =>
    subject.modes
      .filter((mode) => body.fits?.(mode, subject) ?? true)
      .map((mode): AdapterContractCase => {
        const name = `${body.id}: ${body.title} [${mode.name}]`;
        return {
          id: body.id,
          mode: mode.name,
          name,
          run: async () => {
            await runCase(subject, body, mode);
            passed.add(name);
          },
        };
      }),
  );
  checkDeclared(subject);
  return { cases, results: () => collect(subject, cases, passed) };
}

async function runCase(subject: AdapterSubject, body: CaseBody, mode: AdapterMode): Promise<void> {
  const cannot = cannotOf(subject, body.id, mode.name);
  if (cannot?.kind === "absent") return;
  const failure = await attempt(subject, body, mode);
  if (cannot === undefined && failure !== undefined) throw failure;
  if (cannot !== undefined && failure === undefined) {
    throw new ExpectationError(`case ${body.id} in ${mode.name}, declared as impossible`, "it holds", "it fails");
  }
}

async function attempt(subject: AdapterSubject, body: CaseBody, mode: AdapterMode): Promise<unknown> {
  const world = openWorld(subject, mode);
  try {
    await body.run(world);
    return undefined;
  } catch (error) {
    return error ?? new Error("the case threw nothing that can be shown");
  } finally {
    await world.close();
  }
}

function cannotOf(subject: AdapterSubject, id: string, mode: string): CannotReason | undefined {
  const declared = subject.cannot !== undefined && Object.hasOwn(subject.cannot, id) ? subject.cannot[id] : undefined;
  return declared?.modes === undefined || declared.modes.includes(mode) ? declared : undefined;
}

function checkDeclared(subject: AdapterSubject): void {
  const unknown = Object.keys(subject.cannot ?? {}).filter((id) => !CASES.some((body) => body.id === id));
  if (unknown.length > 0) throw new ExpectationError("case ids declared as impossible", unknown, []);
}

function collect(
  subject: AdapterSubject,
  cases: readonly AdapterContractCase[],
  passed: ReadonlySet<string>,
): AdapterContractResults {
  const missing = cases.filter(({ name }) => !passed.has(name)).map(({ name }) => name);
  if (missing.length > 0) throw new ExpectationError("cases that have not passed", missing, []);
  return {
    adapter: subject.adapter,
    framework: subject.framework,
    cases: CASES.map(({ id, title }): AdapterCaseResult => {
      const fitting = cases.filter((one) => one.id === id).map(({ mode }) => mode);
      if (fitting.length === 0) return { id, title, result: "none" };
      const modes = fitting.filter((mode) => cannotOf(subject, id, mode) === undefined);
      const declared = subject.cannot?.[id];
      if (modes.length === fitting.length || declared === undefined) return { id, title, result: "yes", modes };
      const result = modes.length === 0 ? "no" : "partly";
      const { reason, issue } = declared;
      return { id, title, result, modes, reason, ...(issue === undefined ? {} : { issue }) };
    }),
  };
}
