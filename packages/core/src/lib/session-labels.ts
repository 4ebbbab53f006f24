import { sessionLabelsOf } from "@handlebar/engine";
import { LIMITS } from "./limits.ts";
import type { SessionLabels } from "./services.ts";

/** Labels by session, for policies whose flow keeps them; they only grow. The session used longest ago leaves. */
export function createSessionLabels(): SessionLabels {
  const bySession = new Map<string, ReadonlySet<string>>();
  return {
    read: (sessionId) => [...(bySession.get(sessionId) ?? [])],
    keep(sessionId, set, run): void {
      const names = sessionLabelsOf(set.flow, run.agent, run.state);
      if (names.length === 0) return;
      const kept = new Set([...(bySession.get(sessionId) ?? []), ...names]);
      bySession.delete(sessionId);
      bySession.set(sessionId, kept);
      if (bySession.size <= LIMITS.sessionCountMax) return;
      const [oldest] = bySession.keys();
      if (oldest !== undefined) bySession.delete(oldest);
    },
  };
}
