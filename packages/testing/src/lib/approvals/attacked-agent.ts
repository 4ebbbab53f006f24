import type { Approval, ApprovalAnswer, JsonObject, Policy } from "@handlebar/protocol";

/** What a process of the agent goes on from: what another one handed over when it was stopped at a held call. Opaque. */
export type HandedOver = unknown;

/** What the client of a paused loop sends to let it go on. */
export interface ResumePayload {
  /** The client's own claim. Nothing may hang on it. */
  readonly says: "approved" | "nothing";
  /** Arguments that the client would have the call made with, in place of those that were held. */
  readonly args?: JsonObject | undefined;
}

/** One process of the agent under attack. Its one tool is {@link ATTACKED_TOOL}, which {@link ATTACK_POLICY} holds for a person. */
export interface AttackedAgent {
  /** The model proposes one call. Resolves when the loop has stopped: the tool ran, or the call is held or was denied. */
  propose(args: JsonObject): Promise<void>;
  /** Lets the loop that a held call stopped last go on, also where it went on already; resolves as `propose` does. */
  resume(payload: ResumePayload): Promise<void>;
  /** Resolves when the tool is running a call with `slow: true`, the first of which goes on until `letFinish`. */
  untilRunning(): Promise<void>;
  letFinish(): void;
  /** What the tool was really run with in this process, in order. */
  executed(): readonly JsonObject[];
  /** What another process needs to go on from the held call. The run is paused here, and is not ended. */
  handOver(): Promise<HandedOver>;
  /** The run ends, and the control plane knows. */
  end(): Promise<void>;
  /** The process is gone without a word. */
  kill(): Promise<void>;
}

export interface AttackedAgentOptions {
  /** Slug. Default `bank`. */
  readonly agent?: string | undefined;
  readonly runId: string;
  /** `externalId` of the actor that the run acts for. */
  readonly actor: string;
  readonly from?: HandedOver;
}

/** A control plane with {@link ATTACK_POLICY} in force, and the means to start agents against it. */
export interface AttackWorld {
  /** An id that no run of this control plane had. */
  newRunId(): string;
  /** Resolves when the agent has the policy. */
  agent(options: AttackedAgentOptions): Promise<AttackedAgent>;
  /** The approvals of a run as the control plane has them, oldest first. */
  approvals(runId: string): Promise<readonly Approval[]>;
  /** A person answers. Resolves with the HTTP status of what the control plane said. */
  answer(approvalId: string, answer: ApprovalAnswer): Promise<number>;
  /** A person takes the request back. Resolves with the HTTP status. */
  cancel(approvalId: string): Promise<number>;
  /** Resolves once the control plane counts the approval as expired. */
  untilExpired(approvalId: string): Promise<void>;
}

/** The tool that is attacked. */
export const ATTACKED_TOOL = "wire";

/** Holds every call of the tool for one person; with `quick: true` among its arguments for about a second. */
export const ATTACK_POLICY: Policy = {
  id: "attacked",
  name: "attacked",
  rules: [
    {
      id: "ask-quickly",
      name: "ask quickly",
      priority: 1,
      on: "tool.before",
      tool: { name: ATTACKED_TOOL },
      when: { kind: "toolArg", path: "quick", type: "boolean", op: "eq", value: true },
      effect: { type: "hitl", reason: "money leaves", approval: { expiresInSeconds: 1.5 } },
    },
    {
      id: "ask",
      name: "ask",
      on: "tool.before",
      tool: { name: ATTACKED_TOOL },
      effect: { type: "hitl", reason: "money leaves" },
    },
  ],
};
