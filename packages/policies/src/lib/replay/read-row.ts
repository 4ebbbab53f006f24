import {
  type AuditEvent,
  actorSchema,
  auditEventSchema,
  EVENT_SCHEMA,
  type JsonValue,
  jsonObjectSchema,
  jsonValueSchema,
  metricsSchema,
  parseValue,
  stringMapSchema,
} from "@handlebar/protocol";
import type { TrafficStep } from "./traffic.ts";

/** What a row says, or why it cannot be read. */
export type RowReading =
  | { readonly ok: true; readonly steps: readonly TrafficStep[] }
  | { readonly ok: false; readonly reason: string };

/**
 * Reads one row of recorded traffic: an audit event, or a plain row with `run_id`, `tool`, `args` and, where they are known,
 * `step`, `result`, `error`, `prompt`, `ts`, `tags`, `actor`, `context`, `metrics`. Other fields are not read.
 *
 * @param rowNumber tells calls without `step` apart.
 */
export function readTrafficRow(row: unknown, rowNumber: number = 0): RowReading {
  if (typeof row !== "object" || row === null || Array.isArray(row)) return wrong("is not an object");
  const fields = row as Readonly<Record<string, unknown>>;
  return fields["schema"] === EVENT_SCHEMA ? readEvent(fields) : readPlainRow(fields, rowNumber);
}

function wrong(reason: string): RowReading {
  return { ok: false, reason };
}

function readEvent(row: unknown): RowReading {
  const parsed = parseValue(auditEventSchema, row);
  if (!parsed.ok) return wrong(`is no audit event: ${parsed.issues[0]?.path} ${parsed.issues[0]?.message}`);
  // The schema is that of an audit event; only its optional fields are typed more loosely.
  return { ok: true, steps: stepsOf(parsed.value as AuditEvent) };
}

function stepsOf(event: AuditEvent): readonly TrafficStep[] {
  const { runId } = event;
  const at = { runId, atMs: Date.parse(event.ts) };
  switch (event.kind) {
    case "run.started": {
      const { agent, actor, tags, context, prompt } = event.data;
      const start: TrafficStep = { kind: "start", ...at, agent, actor, sessionId: event.sessionId, tags, context };
      return prompt === undefined ? [start] : [start, { kind: "prompt", ...at, text: prompt }];
    }
    case "message.raw.created": {
      const { role, content } = event.data;
      if (role !== "user" && role !== "system") return [];
      const parts =
        typeof content === "string" ? [content] : content.flatMap((p) => (p.type === "text" ? [p.text] : []));
      return [{ kind: "prompt", ...at, text: parts.join("\n") }];
    }
    case "tool.decision": {
      const { callId, tool, args, verdict } = event.data;
      return [{ kind: "call", ...at, callId, tool: tool.name, tags: tool.tags ?? [], args: args ?? {}, verdict }];
    }
    case "tool.result": {
      const { callId, tool, result, error, metrics } = event.data;
      return [{ kind: "result", ...at, callId, tool: tool.name, tags: tool.tags ?? [], result, error, metrics }];
    }
    case "llm.decision":
      return [{ kind: "llm", ...at, callId: event.data.callId, messages: [], verdict: event.data.verdict }];
    case "llm.result":
      return [{ kind: "llmResult", ...at, callId: event.data.callId, metrics: event.data.metrics }];
    case "run.ended":
      return [{ kind: "end", ...at }];
    default:
      return [];
  }
}

type Fields = Readonly<Record<string, unknown>>;

function readPlainRow(row: Fields, rowNumber: number): RowReading {
  const runId = row["run_id"];
  const tool = row["tool"];
  if (typeof runId !== "string" || runId === "") return wrong("`run_id` must be text");
  if (typeof tool !== "string" || tool === "") return wrong("`tool` must be text");
  const args = row["args"] === undefined ? {} : readJson(row["args"]);
  if (args === undefined) return wrong("`args` must be JSON");
  const atMs =
    typeof row["ts"] === "string" || typeof row["ts"] === "number" ? new Date(row["ts"]).getTime() : undefined;
  if (Number.isNaN(atMs)) return wrong("`ts` must be a time");
  const at = { runId, atMs };
  const tags = Array.isArray(row["tags"]) ? row["tags"].filter((tag) => typeof tag === "string") : [];
  const callId = `${runId} ${String(row["step"] ?? rowNumber)}`.slice(-256);
  return {
    ok: true,
    steps: [
      startOf(row, at),
      ...(typeof row["prompt"] === "string" ? [{ kind: "prompt" as const, ...at, text: row["prompt"] }] : []),
      { kind: "call", ...at, callId, tool, tags, args },
      {
        kind: "result",
        ...at,
        callId,
        tool,
        tags,
        result: readJson(row["result"]),
        error: readError(row["error"]),
        metrics: read(metricsSchema, row["metrics"]),
      },
    ],
  };
}

function startOf(row: Fields, at: { readonly runId: string; readonly atMs: number | undefined }): TrafficStep {
  const agent = typeof row["agent"] === "string" ? { slug: row["agent"] } : undefined;
  return {
    kind: "start",
    ...at,
    agent,
    actor: typeof row["actor"] === "string" ? { externalId: row["actor"] } : read(actorSchema, row["actor"]),
    tags: read(stringMapSchema, row["run_tags"]),
    context: read(jsonObjectSchema, row["context"]),
  };
}

function read<T>(schema: Readable<T>, value: unknown): T | undefined {
  if (value === undefined || value === null) return undefined;
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/** What is asked of a schema here. */
interface Readable<T> {
  safeParse(value: unknown): { readonly success: true; readonly data: T } | { readonly success: false };
}

function readJson(value: unknown): JsonValue | undefined {
  return value === undefined ? undefined : read(jsonValueSchema, value);
}

function readError(error: unknown): { readonly message: string } | undefined {
  if (typeof error === "string" && error !== "") return { message: error };
  if (typeof error !== "object" || error === null) return undefined;
  return { message: "message" in error ? String(error.message) : JSON.stringify(error) };
}
