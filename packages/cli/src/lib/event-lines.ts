import { consoleSink } from "@handlebar/core/sinks";
import { type AuditEvent, auditEventSchema, type StoredEvent } from "@handlebar/protocol";
import type { CommandContext } from "./command.ts";
import { type CommandInput, flag } from "./command.ts";

/** Prints stored events, each as one line: readable, or with `--json` as it is stored. */
export function eventPrinter(input: CommandInput, context: CommandContext): (event: StoredEvent) => void {
  if (flag(input, "json")) return (event) => context.out(`${JSON.stringify(event)}\n`);
  const sink = consoleSink({ colour: context.hasColour, write: (line) => context.out(`${line}\n`) });
  return (event) => {
    // Events of older clients have no number; what else they lack shows in their line.
    const isWhole = auditEventSchema.safeParse({ ...event, seq: Math.max(0, event.seq) }).success;
    if (isWhole) void sink.write(event as unknown as AuditEvent);
    else context.out(`${event.ts} ${JSON.stringify(event.kind)} cannot be read by this version; see --json\n`);
  };
}
