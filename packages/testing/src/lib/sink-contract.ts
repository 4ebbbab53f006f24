import type { Sink } from "@handlebar/core";
import { type AuditEvent, EVENT_KINDS } from "@handlebar/protocol";
import { type ContractCase, ExpectationError, expectEqual } from "./contract-case.ts";
import { sampleEvent } from "./sample-events.ts";

/** A sink under test, with a way to look at what it delivered. */
export interface SinkUnderTest {
  readonly sink: Sink;
  /**
   * What has arrived where the sink delivers to, in order of arrival; asked after `flush` or `close`. Without it the cases about
   * order and completeness are left out.
   */
  readonly delivered?: (() => readonly AuditEvent[] | Promise<readonly AuditEvent[]>) | undefined;
  /** Releases what the test holds: a server, a folder. */
  readonly dispose?: (() => void | Promise<void>) | undefined;
}

export interface SinkContractOptions {
  /** How long `flush` or `close` may take, in milliseconds of real time. Default 10,000. */
  readonly deadlineMs?: number | undefined;
}

type Body = (test: SinkUnderTest, deadlineMs: number) => Promise<void>;

const DEADLINE_MS = 10_000;
const MANY_COUNT = 500;
const HUGE_LENGTH = 5_000_000;

/**
 * What every sink must hold to, as cases that any test runner can run:
 *
 * ```ts
 * for (const { name, run } of sinkContract(() => ({ sink: mySink() }))) it(name, run);
 * ```
 *
 * `makeSink` is called once for each case.
 */
export function sinkContract(
  makeSink: () => SinkUnderTest | Promise<SinkUnderTest>,
  options: SinkContractOptions = {},
): readonly ContractCase[] {
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  return Object.entries(CASES).map(([name, body]) => ({
    name,
    run: async () => {
      const test = await makeSink();
      try {
        await body(test, deadlineMs);
      } finally {
        await test.sink.close?.();
        await test.dispose?.();
      }
    },
  }));
}

const CASES: Readonly<Record<string, Body>> = {
  "write takes every kind of event without throwing": async ({ sink }, deadlineMs) => {
    for (const [seq, kind] of EVENT_KINDS.entries()) write(sink, sampleEvent(kind, { seq }));
    await finish("flush", sink, deadlineMs);
  },
  "write takes hostile payloads without throwing: huge, deep, circular, BigInt, getters that throw": async (
    { sink },
    deadlineMs,
  ) => {
    hostileValues().forEach((result, seq) => {
      // What arrives at a sink comes from tools, whose results are anything.
      write(sink, { ...sampleEvent("tool.result", { seq }), data: hostileData(result) } as AuditEvent);
    });
    await finish("flush", sink, deadlineMs);
  },
  "write does not change the event": async ({ sink }, deadlineMs) => {
    const event = sampleEvent("tool.decision");
    write(sink, event);
    await finish("flush", sink, deadlineMs);
    expectEqual("the event after it was written", event, sampleEvent("tool.decision"));
  },
  "write returns before the event is delivered, or a promise that settles": async ({ sink }, deadlineMs) => {
    for (let seq = 0; seq < 10; seq++) await within("write", sink.write(sampleEvent("error", { seq })), deadlineMs);
  },
  "flush resolves with nothing written, and twice": async ({ sink }, deadlineMs) => {
    await finish("flush", sink, deadlineMs);
    await finish("flush", sink, deadlineMs);
  },
  "flush delivers what was written": async ({ sink, delivered }, deadlineMs) => {
    if (delivered === undefined) return;
    write(sink, sampleEvent("run.started"));
    await finish("flush", sink, deadlineMs);
    expectEqual("delivered events", ownOf(await delivered()), [sampleEvent("run.started")]);
  },
  "order is kept and nothing is lost or doubled": async ({ sink, delivered }, deadlineMs) => {
    if (delivered === undefined) return;
    for (let seq = 0; seq < MANY_COUNT; seq++) write(sink, sampleEvent("tool.result", { seq }));
    await finish("close", sink, deadlineMs);
    const seqs = ownOf(await delivered()).map((event) => event.seq);
    expectEqual(
      "sequence numbers",
      seqs,
      Array.from({ length: MANY_COUNT }, (_, seq) => seq),
    );
  },
  "close delivers what was written without a flush": async ({ sink, delivered }, deadlineMs) => {
    if (delivered === undefined) return;
    write(sink, sampleEvent("run.ended"));
    await finish("close", sink, deadlineMs);
    expectEqual("delivered events", ownOf(await delivered()), [sampleEvent("run.ended")]);
  },
  "close resolves with nothing written, twice, and twice at once": async ({ sink }, deadlineMs) => {
    await within("close", Promise.all([sink.close?.(), sink.close?.()]), deadlineMs);
    await finish("close", sink, deadlineMs);
  },
  "write and flush after close are safe": async ({ sink }, deadlineMs) => {
    write(sink, sampleEvent("run.started"));
    await finish("close", sink, deadlineMs);
    write(sink, sampleEvent("run.ended", { seq: 1 }));
    await finish("flush", sink, deadlineMs);
    await finish("close", sink, deadlineMs);
  },
};

/** A sink's own reports, such as `events.dropped`, are beside what was written. */
function ownOf(events: readonly AuditEvent[]): readonly AuditEvent[] {
  return events.filter((event) => event.runId === "run-1");
}

function write(sink: Sink, event: AuditEvent): void {
  let returned: void | Promise<void>;
  try {
    returned = sink.write(event);
  } catch (error) {
    throw new Error(`write threw for an event of kind ${event.kind}`, { cause: error });
  }
  // A rejection is the sink's own business; it must not become an unhandled one of the test.
  if (returned instanceof Promise) returned.catch(() => undefined);
}

async function finish(method: "flush" | "close", sink: Sink, deadlineMs: number): Promise<void> {
  await within(method, sink[method]?.(), deadlineMs);
}

async function within(what: string, work: unknown, deadlineMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ExpectationError(`${what} settles`, "pending", `within ${deadlineMs} ms`)),
      deadlineMs,
    );
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function hostileData(result: unknown): unknown {
  return { callId: "call-1", tool: { name: "any" }, outcome: "success", result };
}

function hostileValues(): readonly unknown[] {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  let deep: unknown = "bottom";
  for (let level = 0; level < 20_000; level++) deep = { deep };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  return [
    "x".repeat(HUGE_LENGTH),
    Array.from({ length: 100_000 }, (_, at) => ({ at })),
    deep,
    circular,
    10n ** 30n,
    {
      get secret(): never {
        throw new Error("getter threw");
      },
    },
    {
      toJSON: () => {
        throw new Error("toJSON threw");
      },
    },
    revoked.proxy,
    "\ud800",
    [Number.NaN, Number.POSITIVE_INFINITY, undefined, Symbol("s"), () => 1],
    new Map([["a", 1]]),
    new Date(Number.NaN),
    new Error("an error"),
    new Uint8Array(1_000_000),
  ];
}
