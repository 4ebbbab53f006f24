import type { CheckAnswer, CheckBody, EndRunBody, StartRunBody, Tool } from "@handlebar/protocol";
import type { ApprovalDesk } from "./approvals.ts";
import type { SharedWindows } from "./shared-windows.ts";

/** How the link to the control plane is. `refused` means that it does not take the key. */
export type LinkStatus = "connecting" | "ready" | "lost" | "refused";

/** The control plane as a client sees it: one manager for everything that crosses the network but events. */
export interface ControlPlane {
  readonly status: LinkStatus;
  /** Milliseconds since the control plane was last heard from; infinite before the first time. */
  contactAgeMs(): number;
  /** Resolves when the control plane has answered or refused for the first time. */
  readonly answered: Promise<void>;
  readonly approvals: ApprovalDesk;
  /** Shared budgets, spent from leases. */
  readonly shared: SharedWindows;
  /** Lets the control plane decide; `undefined` when it could not be asked. */
  check(body: Omit<CheckBody, "agentId">): Promise<CheckAnswer | undefined>;
  registerTools(tools: readonly Tool[]): void;
  runStarted(runId: string, body: Omit<StartRunBody, "agentId">): void;
  runEnded(runId: string, body: Omit<EndRunBody, "agentId">): void;
  /** A newer revision exists: fetch it now. */
  revisionSeen(revision: number): void;
  /** Gives leases back and closes the link; bounded, idempotent. */
  close(): Promise<void>;
}
