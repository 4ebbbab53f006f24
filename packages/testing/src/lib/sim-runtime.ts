import type { Logger, Runtime } from "@handlebar/core";
import { createFakeClock, type FakeClock, type FakeClockOptions } from "./fake-clock.ts";
import type { MsRange } from "./network-fault.ts";
import { createRandom, type SeededRandom } from "./seeded-random.ts";
import { createSimIds, type SimIds } from "./sim-ids.ts";
import { createSimNetwork, type SimNetwork } from "./sim-network.ts";

/** One line that was logged. */
export interface LogLine {
  readonly level: "debug" | "warn" | "error";
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** Elapsed time of the clock. */
  readonly atMs: number;
}

export interface SimRuntimeOptions extends FakeClockOptions {
  /** What `runtime.env` answers. Default: nothing is set. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly latencyMs?: MsRange | undefined;
  /** The clock of another runtime, for several clients in one simulated world; `network` likewise. */
  readonly clock?: FakeClock | undefined;
  readonly network?: SimNetwork | undefined;
}

/** A whole outside world that is the same for the same seed. */
export interface SimRuntime {
  /** Give it to `Handlebar.init({ runtime })` or to a sink. */
  readonly runtime: Runtime;
  readonly clock: FakeClock;
  readonly network: SimNetwork;
  readonly random: SeededRandom;
  readonly ids: SimIds;
  /** Everything that was logged, oldest first; at most 10,000 lines. */
  readonly logs: readonly LogLine[];
}

const LOG_COUNT_MAX = 10_000;

/**
 * A runtime with a fake clock, a simulated network, deterministic ids and a log that is kept. Every part draws from a stream of
 * its own, so that more requests do not change the ids.
 */
export function createSimRuntime(seed: number | string, options: SimRuntimeOptions = {}): SimRuntime {
  const random = createRandom(seed);
  const clock = options.clock ?? createFakeClock(options);
  const network =
    options.network ?? createSimNetwork({ clock, random: random.fork("network"), latencyMs: options.latencyMs });
  const ids = createSimIds(clock.clock, random.fork("ids"));
  const logs: LogLine[] = [];
  const sdkRandom = random.fork("sdk");
  return {
    runtime: {
      clock: clock.clock,
      timers: clock.timers,
      random: () => sdkRandom.next(),
      newId: () => ids.next(),
      fetch: network.fetch,
      env: (name) => (Object.hasOwn(options.env ?? {}, name) ? options.env?.[name] : undefined),
      logger: createLogger(logs, clock),
    },
    clock,
    network,
    random: random.fork("test"),
    ids,
    logs,
  };
}

function createLogger(logs: LogLine[], clock: FakeClock): Logger {
  const log = (level: LogLine["level"]) => (message: string, details?: Readonly<Record<string, unknown>>) => {
    logs.push({ level, message, ...(details === undefined ? {} : { details }), atMs: clock.elapsedMs });
    if (logs.length > LOG_COUNT_MAX) logs.shift();
  };
  return { debug: log("debug"), warn: log("warn"), error: log("error") };
}
