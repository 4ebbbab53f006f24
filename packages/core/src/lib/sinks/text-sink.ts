import type { AuditEvent } from "@handlebar/protocol";
import type { SerialisedEvent } from "../events/serialise-event.ts";
import type { Sink } from "../sink.ts";

/** A sink that takes events as text, so that several such sinks share one serialisation. */
export interface TextSink extends Sink {
  write(event: AuditEvent): void;
  writeSerialised(event: SerialisedEvent): void;
}

export function isTextSink(sink: Sink): sink is TextSink {
  return "writeSerialised" in sink && typeof sink.writeSerialised === "function";
}
