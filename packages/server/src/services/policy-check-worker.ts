import { parentPort } from "node:worker_threads";
import { type CheckScope, inspect } from "./policy-check.ts";
import type { CheckerAnswer } from "./policy-checker.ts";

function answer(scope: CheckScope): CheckerAnswer {
  try {
    return { report: inspect(scope) };
  } catch (error) {
    return { error: { message: error instanceof Error ? error.message : String(error) } };
  }
}

// `policy-checker.ts` starts this file as a thread and sends it one scope after the other.
parentPort?.on("message", (scope: CheckScope) => parentPort?.postMessage(answer(scope)));
