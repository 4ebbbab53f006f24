import type { CallHistory } from "./call-history.ts";
import type { FlowState } from "./flow/flow-state.ts";
import type { WindowStore } from "./window-store.ts";

/**
 * What policies remember of one run. Plain, bounded and serialisable, so that a run can go on in another process and a
 * server or a replay can hold it; changed only by the `note…` functions, in the order in which things happened.
 */
export interface RunState {
  readonly history: CallHistory;
  /** Windows of scope `run`. */
  readonly windows: WindowStore;
  /** Labels and where values were seen. */
  readonly flow: FlowState;
}
