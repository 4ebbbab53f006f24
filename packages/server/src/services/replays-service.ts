import type { ReplayPoliciesBody } from "@handlebar/protocol";
import { REPLAY_COUNT_MAX, REPLAY_LEAD_IN_SECONDS_MAX } from "../limits.ts";
import type { Store } from "../storage/store.ts";
import { longestWindowSeconds } from "./longest-window.ts";
import type { PoliciesService } from "./policies-service.ts";
import { ServiceProblem } from "./problem.ts";
import { Replaying, type ReplayOutcome, type ReplayProgress, type ReplayRange } from "./replaying.ts";
import type { ServerRuntime } from "./server-runtime.ts";

export type { ReplayOutcome, ReplayProgress } from "./replaying.ts";

export interface ReplaysServiceDeps {
  readonly store: Pick<Store, "events">;
  readonly runtime: ServerRuntime;
  readonly policies: Pick<PoliciesService, "candidate">;
}

/** A replay that was asked for and is about to begin. */
export interface OpenReplay {
  /** @throws ServiceProblem `HB_REPLAY_TOO_LARGE`, `HB_OVERLOADED`, `HB_SERVER_STOPPING` where it was cancelled. */
  run(onProgress: (progress: ReplayProgress) => void): Promise<ReplayOutcome>;
  /** Ends it soon. Idempotent. */
  cancel(): void;
}

/** What policies would have answered to what was recorded. */
export class ReplaysService {
  readonly #deps: ReplaysServiceDeps;
  readonly #running = new Set<Replaying>();

  constructor(deps: ReplaysServiceDeps) {
    this.#deps = deps;
  }

  /** Replays under way. */
  get runningCount(): number {
    return this.#running.size;
  }

  /** Nothing runs before `run`. @throws ServiceProblem `HB_POLICY_...`, `HB_REQUEST_INVALID`, `HB_OVERLOADED`. */
  async open(workspaceId: string, body: ReplayPoliciesBody): Promise<OpenReplay> {
    this.#throwIfFull();
    const { store, runtime } = this.#deps;
    const sinceMs = Date.parse(body.since);
    const untilMs = body.until === undefined ? runtime.nowMs() : Date.parse(body.until);
    if (untilMs <= sinceMs) {
      const message = "`since` must be before `until`";
      throw new ServiceProblem("invalid", "HB_REQUEST_INVALID", { message, field: "since" });
    }
    const policies = await this.#deps.policies.candidate(workspaceId, body.policies, body.alone === true);
    const leadInSeconds = body.leadInSeconds ?? Math.min(REPLAY_LEAD_IN_SECONDS_MAX, longestWindowSeconds(policies));
    const range: ReplayRange = { leadInMs: leadInSeconds * 1_000, sinceMs, untilMs };
    const { agent, actor: actorExternalId, session: sessionId, tools, failClosed } = body;
    const filter = { agent, actorExternalId, sessionId };
    const replaying = new Replaying(
      { events: store.events, runtime },
      { workspaceId, range, filter, policies, tools, failClosed },
    );
    return {
      run: (onProgress) => this.#run(replaying, onProgress),
      cancel: () => replaying.cancel(),
    };
  }

  /** Cancels every replay. */
  close(): void {
    for (const replaying of this.#running) replaying.cancel();
  }

  async #run(replaying: Replaying, onProgress: (progress: ReplayProgress) => void): Promise<ReplayOutcome> {
    this.#throwIfFull();
    this.#running.add(replaying);
    try {
      return await replaying.run(onProgress);
    } finally {
      this.#running.delete(replaying);
    }
  }

  #throwIfFull(): void {
    if (this.#running.size < REPLAY_COUNT_MAX) return;
    const message = "as many replays run as may; try again when one of them is done";
    throw new ServiceProblem("too-many", "HB_OVERLOADED", { message, retryAfterSeconds: 10 });
  }
}
