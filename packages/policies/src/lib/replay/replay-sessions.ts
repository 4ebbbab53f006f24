import { type Facts, type PolicySet, sessionLabelsOf } from "@handlebar/engine";
import { REPLAY_LIMITS } from "./limits.ts";

/** Labels by session, for policies whose flow keeps them; they only grow. The session used longest ago leaves. */
export class ReplaySessions {
  readonly #labels = new Map<string, ReadonlySet<string>>();

  read(sessionId: string | undefined): readonly string[] {
    return sessionId === undefined ? [] : [...(this.#labels.get(sessionId) ?? [])];
  }

  keep(sessionId: string | undefined, { agent, run }: Facts, set: PolicySet): void {
    if (sessionId === undefined) return;
    const own = sessionLabelsOf(set.flow, agent, run.state);
    if (own.length === 0) return;
    const kept = new Set([...this.read(sessionId), ...own]);
    this.#labels.delete(sessionId);
    this.#labels.set(sessionId, kept);
    const [oldest] = this.#labels.keys();
    if (this.#labels.size > REPLAY_LIMITS.sessionCountMax && oldest !== undefined) this.#labels.delete(oldest);
  }
}
