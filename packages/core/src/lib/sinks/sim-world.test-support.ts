import type { AuditEvent, EventKind, IngestBody, IngestResult } from "@handlebar/protocol";
import type { FetchInit, Runtime } from "../runtime.ts";
import type { DropReport } from "./drop-ledger.ts";

/** Numbers in [0, 1) that depend on the seed alone. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface SimTimer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** What the simulated server does with one request. */
export type SimAnswer =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly body: string;
      readonly headers?: Record<string, string>;
    }
  | { readonly kind: "reset" }
  | { readonly kind: "hang" };

export interface SimRequest {
  readonly atMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: IngestBody;
  readonly sizeBytes: number;
}

/** A clock, timers and a network that move only when told to. */
export class SimWorld {
  readonly runtime: Runtime;
  readonly requests: SimRequest[] = [];
  readonly warnings: string[] = [];
  nowMs = 1_000_000;
  answer: (request: SimRequest) => SimAnswer = () => ({ kind: "hang" });
  #timers: SimTimer[] = [];
  #order = 0;
  #id = 0;

  constructor(seed: number) {
    this.runtime = {
      clock: { nowMs: () => 1_700_000_000_000 + this.nowMs, monotonicMs: () => this.nowMs },
      timers: { set: (callback, delayMs) => this.#set(callback, delayMs) },
      random: seededRandom(seed),
      newId: () => `id-${++this.#id}`,
      fetch: (_url, init) => this.#fetch(init),
      env: () => undefined,
      logger: { warn: (message) => this.warnings.push(message), error: (message) => this.warnings.push(message) },
    };
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  /** Lets everything run that can without time passing. */
  async settle(): Promise<void> {
    // Reading a body takes turns of the event loop, however short it is.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  async advance(durationMs: number): Promise<void> {
    const endMs = this.nowMs + durationMs;
    await this.settle();
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.callback();
      await this.settle();
    }
    this.nowMs = endMs;
  }

  #next(endMs: number): SimTimer | undefined {
    const due = this.#timers.filter(({ atMs }) => atMs <= endMs);
    return due.sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
  }

  #set(callback: () => void, delayMs: number): { cancel(): void } {
    const timer = { atMs: this.nowMs + delayMs, order: this.#order++, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  #fetch(init: FetchInit): Promise<Response> {
    const text = typeof init.body === "string" ? init.body : "";
    const request = {
      atMs: this.nowMs,
      headers: init.headers,
      body: JSON.parse(text) as IngestBody,
      sizeBytes: text.length,
    };
    this.requests.push(request);
    const answer = this.answer(request);
    if (answer.kind === "reset") return Promise.reject(new TypeError("fetch failed"));
    if (answer.kind === "hang") {
      return new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    }
    return Promise.resolve(new Response(answer.body, { status: answer.status, headers: answer.headers ?? {} }));
  }
}

/** A store keyed by event id, as a control plane keeps it. */
export class SimStore {
  readonly events = new Map<string, AuditEvent>();

  /** Takes a batch in and answers as a control plane does. */
  ingest(request: SimRequest, decide: (event: AuditEvent) => "take" | "reject" | "retry" = () => "take"): SimAnswer {
    const results: IngestResult[] = [];
    let accepted = 0;
    // The body was made by the sink from audit events.
    for (const event of request.body.events as unknown as readonly AuditEvent[]) {
      const decision = decide(event);
      if (decision !== "take") {
        results.push({ eventId: event.eventId, status: decision === "reject" ? "rejected" : "retry" });
      } else if (this.events.has(event.eventId)) {
        results.push({ eventId: event.eventId, status: "duplicate" });
      } else {
        this.events.set(event.eventId, event);
        accepted++;
      }
    }
    return { kind: "answer", status: 200, body: JSON.stringify({ accepted, results, revision: 7 }) };
  }

  /** The numbers of a run that neither arrived nor are explained by an `events.dropped` event. */
  unexplained(runId: string, seqEnd: number): readonly number[] {
    const known = new Set<number>();
    for (const event of this.events.values()) {
      if (event.runId === runId) known.add(event.seq);
      if (event.kind !== "events.dropped") continue;
      for (const range of event.data.ranges) {
        if (range.runId !== runId) continue;
        for (let seq = range.from; seq <= range.to; seq++) known.add(seq);
      }
    }
    return Array.from({ length: seqEnd }, (_, seq) => seq).filter((seq) => !known.has(seq));
  }
}

/** Numbers the events of some runs, as a client does. */
export class SimClient {
  readonly seqs = new Map<string, number>();
  #id = 0;

  event(runId: string, kind: EventKind, data: unknown): AuditEvent {
    const seq = this.seqs.get(runId) ?? 0;
    this.seqs.set(runId, seq + 1);
    return {
      schema: "handlebar.audit.v1",
      eventId: `event-${++this.#id}`,
      seq,
      ts: "2026-01-02T03:04:05.000Z",
      agentId: "support",
      runId,
      kind,
      data,
      // Tests of delivery do not depend on what an event says.
    } as AuditEvent;
  }

  message(runId: string, length = 20): AuditEvent {
    return this.event(runId, "message.raw.created", { messageId: "m", role: "user", content: "m".repeat(length) });
  }

  result(runId: string, length = 20): AuditEvent {
    return this.event(runId, "tool.result", {
      callId: "c",
      tool: { name: "t" },
      outcome: "success",
      result: "r".repeat(length),
    });
  }

  decision(runId: string): AuditEvent {
    return this.event(runId, "tool.decision", {
      callId: "c",
      tool: { name: "t" },
      verdict: "ALLOW",
      control: "CONTINUE",
    });
  }

  makeDropped(report: DropReport): AuditEvent {
    return this.event(report.runId, "events.dropped", { counts: report.counts, ranges: report.ranges });
  }
}
