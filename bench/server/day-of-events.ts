import { uuidv7 } from "uuidv7";

const EVENTS_PER_RUN = 25;
const DAY_MS = 86_400_000;
const TOOLS = ["search", "read_page", "lookup_order", "refund", "send_mail"] as const;

export interface Day {
  readonly startMs: number;
  readonly eventCount: number;
}

/** A day of one agent's events as clients send them: runs of 25 events, spread evenly, of 500 actors. Batches of 1,000, in order. */
export function* batchesOf({ startMs, eventCount }: Day): Generator<readonly object[]> {
  const runCount = Math.ceil(eventCount / EVENTS_PER_RUN);
  let batch: object[] = [];
  for (let run = 0; run < runCount; run++) {
    batch.push(...eventsOf(run, startMs + Math.floor((run * (DAY_MS - 60_000)) / runCount)));
    if (batch.length < 1_000) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function eventsOf(run: number, startMs: number): readonly object[] {
  const runId = `run-${run}`;
  const events: object[] = [];
  const add = (kind: string, data: object): void => {
    const seq = events.length;
    const atMs = startMs + seq * 400;
    const ids = { eventId: idAt(atMs), seq, ts: new Date(atMs).toISOString(), agentId: "support", runId };
    events.push({ schema: "handlebar.audit.v1", ...ids, actorExternalId: `u${run % 500}`, kind, data });
  };
  const allowed = {
    verdict: "ALLOW",
    control: "CONTINUE",
    cause: { kind: "ALLOW" },
    message: "this call is allowed",
    evaluatedRules: [],
  };
  add("run.started", {
    agent: { slug: "support", tags: ["production"] },
    actor: { externalId: `u${run % 500}`, metadata: { tier: run % 3 === 0 ? "gold" : "basic" } },
    enforceMode: "enforce",
    sdk: { name: "@handlebar/core", version: "0.1.0" },
    prompt: `order ${run} came broken, please look into it and refund it to the card that ends in 4242`,
  });
  while (events.length < EVENTS_PER_RUN - 1) {
    const step = events.length;
    const tool = { name: TOOLS[(run + step) % TOOLS.length] ?? "search", tags: ["read-only"] };
    const callId = `${runId}-${step}`;
    const args = {
      order: `A-${run}`,
      amount: (run * step) % 1_000,
      note: "as the customer asked in the letter of this morning",
    };
    add("llm.decision", { ...allowed, callId: `${callId}-llm` });
    add("llm.result", {
      callId: `${callId}-llm`,
      outcome: "success",
      metrics: { llm_tokens_in: 812, llm_tokens_out: 64 },
    });
    add("tool.decision", { ...allowed, callId, tool, args });
    add("tool.result", {
      callId,
      tool,
      outcome: "success",
      result: {
        id: `A-${run}`,
        status: "delivered",
        items: [{ sku: "x-1", price: 19.5 }],
        text: "left at the door ".repeat(8),
      },
      metrics: { duration_ms: 120, bytes_out: 640 },
    });
  }
  events.length = EVENTS_PER_RUN - 1;
  add("run.ended", { status: "success", steps: 6 });
  return events;
}

/** A UUIDv7 of that time: the machine's own, with the time replaced. */
function idAt(atMs: number): string {
  const time = atMs.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}${uuidv7().slice(13)}`;
}
