import { getCurrentRun } from "../als.ts";
import type { RunConfig } from "../run-config.ts";
import type { AnyClient, AnyRun } from "./any-run.ts";

/** The run that a call of an agent belongs to. */
export interface JoinedRun {
  readonly run: AnyRun;
  /** It was started for this call, so whoever asked for it ends it. */
  readonly owned: boolean;
}

/**
 * The run of an agent that goes on after a pause, where nothing but the id of its run was kept: the paused run itself while this
 * client knows it and it is for the same actor and session, else a new one. The id may come from anywhere: what a person approved answers
 * the same call of either run.
 * @throws HandlebarError `HB_RUN_CONFIG_INVALID`.
 */
export function resumeRun(hb: AnyClient, runId: string, config: RunConfig<never> = {}): JoinedRun {
  const paused = hb.findPaused(runId, config);
  if (paused !== undefined) return { run: paused, owned: true };
  return { run: hb.startRun(config), owned: true };
}

/**
 * The current run where it is this client's and still going, so that an agent called by a tool shares the run of the agent that
 * called it; else a new one.
 * @throws HandlebarError `HB_RUN_CONFIG_INVALID`.
 */
export function joinOrStartRun(hb: AnyClient, config?: RunConfig<never>): JoinedRun {
  const current = getCurrentRun();
  if (current !== undefined && current.state !== "ended" && hb.owns(current)) return { run: current, owned: false };
  return { run: hb.startRun(config), owned: true };
}
