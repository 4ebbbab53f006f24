import type { AuditEvent, EventKind } from "@handlebar/protocol";
import { serialiseEvent } from "../events/serialise-event.ts";
import { hostErrorLine } from "../runtime-output.ts";
import type { Sink } from "../sink.ts";
import { consoleLine } from "./console-line.ts";

export interface ConsoleSinkOptions {
  /** `json`: the event as it is recorded; `line`: a readable line. Default `line`. */
  readonly format?: "json" | "line" | undefined;
  /** Colour of readable lines. Default false. */
  readonly colour?: boolean | undefined;
  /** Which kinds to write. Default: all. */
  readonly kinds?: readonly EventKind[] | undefined;
  /** Writes one line, given without its end. Default: the standard error stream, since standard output may carry a protocol. */
  readonly write?: ((line: string) => void) | undefined;
}

/** Writes each event as a line. Never throws, and does not mind a closed stream. */
export function consoleSink(options: ConsoleSinkOptions = {}): Sink {
  const write = options.write ?? hostErrorLine();
  const kinds = options.kinds === undefined ? undefined : new Set<EventKind>(options.kinds);
  const format =
    options.format === "json"
      ? (event: AuditEvent) => serialiseEvent(event).text
      : (event: AuditEvent) => lineOrText(event, options.colour ?? false);
  return {
    name: "console",
    write(event) {
      if (kinds !== undefined && !kinds.has(event.kind)) return;
      try {
        write(format(event));
      } catch {
        // There is nowhere left to write that the console cannot be written to.
      }
    },
  };
}

function lineOrText(event: AuditEvent, colour: boolean): string {
  try {
    return consoleLine(event, colour);
  } catch {
    return serialiseEvent(event).text;
  }
}
