import { HandlebarError, type JsonObject } from "@handlebar/protocol";
import { CallHistory } from "./call-history.ts";
import { FlowState } from "./flow/flow-state.ts";
import type { RunState } from "./run-state.ts";
import { createWindowStore, WindowStore } from "./window-store.ts";

/** The version of the form of a snapshot; another one is refused. */
const SNAPSHOT_VERSION = 1;

/** What policies remember of a run that begins. */
export function createRunState(): RunState {
  return { history: new CallHistory(), windows: createWindowStore(), flow: new FlowState() };
}

/** A run's state as plain JSON, so that the run can go on in another process. */
export function snapshotRunState(state: RunState): JsonObject {
  return {
    version: SNAPSHOT_VERSION,
    history: state.history.snapshot(),
    // A store's snapshot leaves out what is undefined, so that it is JSON.
    windows: state.windows.snapshot() as unknown as JsonObject,
    flow: state.flow.snapshot(),
  };
}

/**
 * The state of a snapshot, which may come from outside.
 *
 * @throws HandlebarError `HB_STATE_SNAPSHOT_INVALID` when it is none: a run that goes on without its memory would forget
 * what its policies count on.
 */
export function restoreRunState(snapshot: unknown): RunState {
  if (!isFields(snapshot)) throw invalid("is not an object", undefined);
  if (snapshot.version !== SNAPSHOT_VERSION) throw invalid(`is not of version ${SNAPSHOT_VERSION}`, "version");
  const history = CallHistory.restore(snapshot.history);
  if (history === undefined) throw invalid("has no history that can be read", "history");
  const windows = WindowStore.restore(snapshot.windows);
  if (windows === undefined) throw invalid("has no windows that can be read", "windows");
  const flow = FlowState.restore(snapshot.flow);
  if (flow === undefined) throw invalid("has no labels and origins that can be read", "flow");
  return { history, windows, flow };
}

function invalid(what: string, field: string | undefined): HandlebarError {
  return new HandlebarError("HB_STATE_SNAPSHOT_INVALID", `the snapshot ${what}; start a new run instead`, { field });
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
