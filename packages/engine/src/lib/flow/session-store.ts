import type { AgentFacts } from "../facts.ts";
import { SESSION_COUNT_MAX } from "../limits.ts";
import type { PolicySet } from "../policy-set.ts";
import type { RunState } from "../run-state.ts";
import { sessionLabelsOf } from "./session-labels.ts";

/** Labels by session, for policies whose flow keeps them; they only grow. The session used longest ago leaves. */
export class SessionLabels {
  readonly #bySession = new Map<string, ReadonlySet<string>>();

  /** What the runs of a session have left: what `seedLabels` gives its next run. */
  read(sessionId: string | undefined): readonly string[] {
    return sessionId === undefined ? [] : [...(this.#bySession.get(sessionId) ?? [])];
  }

  /** Takes over the labels of a run of the session, after a call of it ended. */
  keep(
    sessionId: string | undefined,
    set: PolicySet,
    run: { readonly agent: AgentFacts; readonly state: RunState },
  ): void {
    if (sessionId === undefined) return;
    const own = sessionLabelsOf(set.flow, run.agent, run.state);
    if (own.length === 0) return;
    const kept = new Set([...this.read(sessionId), ...own]);
    this.#bySession.delete(sessionId);
    this.#bySession.set(sessionId, kept);
    const [oldest] = this.#bySession.keys();
    if (this.#bySession.size > SESSION_COUNT_MAX && oldest !== undefined) this.#bySession.delete(oldest);
  }
}
