import type { AuditEvent } from "@handlebar/protocol";
import { Handlebar, type HandlebarClient } from "./client.ts";
import type { HandlebarConfig } from "./config.ts";

/** A client that reads no environment, with the events it has recorded so far. */
export function openRecorded(config: HandlebarConfig): {
  readonly hb: HandlebarClient;
  readonly events: readonly AuditEvent[];
} {
  const events: AuditEvent[] = [];
  const hb = Handlebar.init({
    sinks: [{ write: (event) => void events.push(event) }],
    runtime: { env: () => undefined },
    ...config,
  });
  return { hb, events };
}
