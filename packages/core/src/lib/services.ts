import type { RunState, SessionLabels } from "@handlebar/engine";
import type { AuditEvent } from "@handlebar/protocol";
import type { AppliedState } from "./applied-state.ts";
import type { ApprovalDesk } from "./approvals.ts";
import type { ResolvedConfig } from "./config.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Failure } from "./failure-table.ts";
import type { PriceSource } from "./pricing.ts";
import type { Runtime } from "./runtime.ts";
import type { SafeLogger } from "./safe-logger.ts";
import type { SharedWindows } from "./shared-windows.ts";

/** What a client lends to its runs. */
export interface Services<TContext extends object> {
  readonly config: ResolvedConfig<TContext>;
  readonly runtime: Runtime;
  readonly logger: SafeLogger;
  readonly state: AppliedState;
  readonly link: ControlPlane | undefined;
  readonly approvals: ApprovalDesk | undefined;
  readonly shared: SharedWindows;
  readonly tools: ToolRegistry;
  readonly sessions: SessionLabels;
  /** Price sources, the user's first; loaded at first need, and there at once from then on. */
  prices(): readonly PriceSource[] | Promise<readonly PriceSource[]>;
  /** What hooks wait for until the control plane answered or `initTimeoutMs` passed; `undefined` from then on. */
  settled(): Promise<void> | undefined;
  /** What is wrong with the control plane now, if anything. */
  failure(): Failure | undefined;
  /** Absent where nobody is given the events. */
  readonly emit: ((event: AuditEvent) => void) | undefined;
  /** What policies remember of another run of this client, while it is known. */
  stateOf(runId: string): RunState | undefined;
  runEnded(runId: string): void;
  /** Waits for delivered events, at most `flushTimeoutMs`. */
  flush(): Promise<void>;
}

/** The tags and kinds that tools were registered with. */
export interface ToolRegistry {
  find(name: string): { readonly tags: readonly string[]; readonly kind?: string | undefined } | undefined;
}
