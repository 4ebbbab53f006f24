import { getCurrentRun, withRun } from "@handlebar/core";
import type { AnyRun } from "@handlebar/core/adapter";

/** Runs `work` with `run` as the current one; in its own context nothing has to be entered. */
export function inRun<T>(run: AnyRun, work: () => T): T {
  return getCurrentRun() === run ? work() : withRun(run, work);
}
