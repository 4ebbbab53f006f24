import { Worker } from "node:worker_threads";
import {
  POLICY_CHECK_INLINE_RULE_COUNT_MAX,
  POLICY_CHECK_TIMEOUT_MS,
  POLICY_CHECK_WAITING_COUNT_MAX,
} from "../limits.ts";
import { type CheckScope, inspect, type PolicyReport } from "./policy-check.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime, ServerTimer } from "./server-runtime.ts";

/** What the thread answers. */
export type CheckerAnswer = { readonly report: PolicyReport } | { readonly error: { readonly message: string } };

interface Waiting {
  readonly scope: CheckScope;
  readonly resolve: (report: PolicyReport) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Checks policies that are to be saved. Comparing many rules with each other takes seconds, so that it is done in a thread of its own, one
 * after the other; the thread starts with the first check that needs it.
 */
export class PolicyChecker {
  readonly #runtime: ServerRuntime;
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;
  #underWay: Waiting | undefined;
  #deadline: ServerTimer | undefined;

  constructor(runtime: ServerRuntime) {
    this.#runtime = runtime;
  }

  /** @throws ServiceProblem `HB_OVERLOADED` where it takes too long or too many wait. */
  async check(scope: CheckScope): Promise<PolicyReport> {
    const ruleCount = scope.after.reduce((count, policy) => count + policy.rules.length, 0);
    if (ruleCount <= POLICY_CHECK_INLINE_RULE_COUNT_MAX) return inspect(scope);
    if (this.#waiting.length >= POLICY_CHECK_WAITING_COUNT_MAX) throw overloaded("as many checks wait as may");
    return new Promise((resolve, reject) => {
      this.#waiting.push({ scope, resolve, reject });
      this.#next();
    });
  }

  /** Ends the thread; checks that wait are refused. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#fail(overloaded("the server stops"));
    for (const { reject } of this.#waiting.splice(0)) reject(overloaded("the server stops"));
    await worker?.terminate();
  }

  #next(): void {
    if (this.#underWay !== undefined) return;
    this.#underWay = this.#waiting.shift();
    if (this.#underWay === undefined) return;
    this.#worker ??= this.#start();
    this.#deadline = this.#runtime.after(POLICY_CHECK_TIMEOUT_MS, () => {
      const worker = this.#worker;
      this.#fail(overloaded("the check of these policies takes too long; push fewer at once"));
      void worker?.terminate();
      this.#next();
    });
    this.#worker.postMessage(this.#underWay.scope);
  }

  #start(): Worker {
    const isSource = import.meta.url.endsWith(".ts");
    const file = isSource ? "./policy-check-worker.ts" : "./policy-check-worker.js";
    const worker = new Worker(new URL(file, import.meta.url), {
      execArgv: isSource ? ["--conditions=@handlebar/source"] : [],
    });
    worker.unref();
    worker.on("message", (answer: CheckerAnswer) => {
      if (this.#worker === worker) this.#take(answer);
    });
    worker.on("error", (error) => {
      if (this.#worker !== worker) return;
      this.#fail(error);
      this.#next();
    });
    return worker;
  }

  #take(answer: CheckerAnswer): void {
    const done = this.#underWay;
    this.#underWay = undefined;
    this.#deadline?.cancel();
    if ("report" in answer) done?.resolve(answer.report);
    else done?.reject(new Error(answer.error.message));
    this.#next();
  }

  #fail(error: unknown): void {
    this.#deadline?.cancel();
    const lost = this.#underWay;
    this.#underWay = undefined;
    this.#worker = undefined;
    lost?.reject(error);
  }
}

function overloaded(what: string): ServiceProblem {
  const message = `${what}; try again in a moment`;
  return new ServiceProblem("too-many", "HB_OVERLOADED", { message, retryAfterSeconds: 5 });
}
