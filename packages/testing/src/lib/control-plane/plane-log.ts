import type { AckBody, RunStatus, StartRunBody } from "@handlebar/protocol";
import type { RegisteredAgent } from "./state-hub.ts";

/** What a client said that it has applied. */
export interface ReceivedAck extends AckBody {
  readonly slug: string;
  readonly atMs: number;
}

/** A run as clients told of it. */
export interface KnownRun {
  readonly runId: string;
  readonly slug: string;
  readonly start?: StartRunBody | undefined;
  readonly status?: RunStatus | undefined;
}

/** What clients told the control plane, oldest first. */
export class PlaneLog {
  readonly #nowMs: () => number;
  readonly #runs = new Map<string, KnownRun>();
  readonly acks: ReceivedAck[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get runs(): readonly KnownRun[] {
    return [...this.#runs.values()];
  }

  acknowledge({ agent }: RegisteredAgent, ack: AckBody): void {
    this.acks.push({ ...ack, slug: agent.slug, atMs: this.#nowMs() });
  }

  /** Clients whose newest acknowledgement names the lockdown. */
  acknowledgedCount(lockdownId: string): number {
    const newest = new Map(this.acks.map((ack) => [ack.clientId, ack]));
    return [...newest.values()].filter((ack) => ack.lockdownIds.includes(lockdownId)).length;
  }

  startRun(runId: string, { agent }: RegisteredAgent, start: StartRunBody): void {
    this.#runs.set(runId, { ...this.#runs.get(runId), runId, slug: agent.slug, start });
  }

  endRun(runId: string, { agent }: RegisteredAgent, status: RunStatus): void {
    this.#runs.set(runId, { ...this.#runs.get(runId), runId, slug: agent.slug, status });
  }
}
