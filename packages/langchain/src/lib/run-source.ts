import { getCurrentRun, type RunConfig } from "@handlebar/core";
import { type AnyClient, type AnyRun, joinOrStartRun } from "@handlebar/core/adapter";

/** Where `governAgent` leaves the run for the hooks of the same invocation, beside the ambient run that some hosts lack. */
export const RUN_KEY = "__handlebar_run";

/** The run that one call belongs to. */
export interface CallRun {
  readonly run: AnyRun;
  /** The call is alone in its run, which ends with it. */
  readonly owned: boolean;
}

/** The run given, else the ambient one of this client, else one of its own. */
export function runFor(hb: AnyClient, given: AnyRun | undefined): CallRun {
  return given === undefined ? joinOrStartRun(hb, { adapter: ADAPTER }) : { run: given, owned: false };
}

export const ADAPTER = { name: "@handlebar/langchain" } as const;

/** What `governAgent` knows of one invocation. */
export interface RunSlot {
  readonly hb: AnyClient;
  /** Absent until the first hook of a resumed agent has found it in the checkpoint. */
  run: AnyRun | undefined;
  readonly start: RunConfig<never>;
  /** No other middleware wraps calls: none waits for a tool's error, and none wraps a model's. */
  readonly isOnlyWrapper: boolean;
  /** Something in the graph waits for a person. */
  isInterrupted: boolean;
}

/** What `governAgent` put into a config for this client's agents. */
export function slotOf(hb: AnyClient, configurable: unknown): RunSlot | undefined {
  if (typeof configurable !== "object" || configurable === null || !(RUN_KEY in configurable)) return undefined;
  // Only `governAgent` writes this key.
  const slot = configurable[RUN_KEY] as RunSlot;
  return slot.hb === hb ? slot : undefined;
}

/** The run that `governAgent` put into a config, else the ambient one; only this client's and only while it is not over. */
export function boundRun(hb: AnyClient, configurable: unknown): AnyRun | undefined {
  for (const run of [slotOf(hb, configurable)?.run, getCurrentRun()]) {
    if (run !== undefined && run.state !== "ended" && hb.owns(run)) return run;
  }
  return undefined;
}

const STOPPED = "this run was ended by policy";

/** What to tell of a run that was ended while something of it was under way. */
export function stopMessage(run: AnyRun): string {
  return run.decisions.findLast(({ control }) => control === "TERMINATE")?.message ?? STOPPED;
}
