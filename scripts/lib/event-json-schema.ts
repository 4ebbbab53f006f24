import {
  actorGroupSchema,
  actorSchema,
  agentSchema,
  approvalRequestSchema,
  approvalTermsSchema,
  auditEventSchema,
  causeSchema,
  decisionSchema,
  type EventKind,
  evaluatedRuleSchema,
  eventRedactionSchema,
  jsonValueSchema,
  lockdownScopeSchema,
  messagePartSchema,
  metricsSchema,
  modelSchema,
  plannedRedactionSchema,
  shadowDecisionSchema,
  subjectSchema,
} from "@handlebar/protocol";
import * as z from "zod";
import { type JsonSchema, walkSchema } from "./json-schema.ts";

const EVENT_SCHEMA_ID = "https://gethandlebar.com/schema/v1/event.schema.json";

/** What each kind of event records. */
const KINDS: Readonly<Record<EventKind, string>> = {
  "run.started": "A run began, or went on in this process.",
  "tool.decision": "A tool call, or what it returned, was decided.",
  "tool.result": "A tool call ended.",
  "message.raw.created": "A message went to or came from the model.",
  "llm.decision": "A model call, or what it returned, was decided.",
  "llm.result": "A model call ended.",
  "approval.requested": "A call is held for a person's answer.",
  "approval.resolved": "A person answered, or nobody did in time.",
  "lockdown.applied": "A stop order reached this run.",
  "policy.applied": "The client took a revision of policies, or refused it.",
  "events.dropped": "Events of this client that were lost before they left the process.",
  error: "Something of Handlebar's own failed.",
  "run.ended": "A run ended; nothing of it follows.",
};

/** Fields that every event has. */
const ENVELOPE: Readonly<Record<string, string>> = {
  schema: "The form of this record.",
  eventId: "UUIDv7; a store keeps an event once by it.",
  seq: "Place in its run, from 0, without gaps that `events.dropped` does not explain.",
  ts: "When it happened, ISO 8601 with a zone.",
  agentId: "The agent's slug.",
  runId: "The run it belongs to.",
  sessionId: "The session that groups runs.",
  stepIndex: "The tool call's place in the run's order, from 0.",
  actorExternalId: "Whom the run acts for.",
  otel: "The OpenTelemetry span it happened in.",
  redaction: "What was taken out of it before it left the process.",
  kind: "What it records.",
  data: "What this kind of event carries.",
};

/** The JSON Schema (2020-12) of one audit event. */
export function eventJsonSchema(): JsonSchema {
  const { $schema, $defs, ...event } = z.toJSONSchema(auditEventSchema, {
    metadata: names(),
    io: "output",
  }) as JsonSchema;
  const defs = $defs ?? {};
  for (const [kind, text] of Object.entries(KINDS)) {
    const schema = defs[`Event.${kind}`];
    if (schema === undefined) throw new Error(`the event schema has no kind ${kind}`);
    schema.description = text;
    for (const [field, property] of Object.entries(schema.properties ?? {})) {
      const description = ENVELOPE[field];
      if (description !== undefined) property.description = description;
    }
  }
  for (const schema of [event, ...Object.values(defs)]) walkSchema(schema, withoutUuidPattern);
  return {
    $schema: $schema ?? "https://json-schema.org/draft/2020-12/schema",
    $id: EVENT_SCHEMA_ID,
    title: "Handlebar audit event",
    description: "One audit record, tagged by `kind`.",
    ...event,
    $defs: Object.fromEntries(Object.entries(defs).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function names(): z.core.$ZodRegistry<{ id: string }> {
  const registry = z.registry<{ id: string }>();
  const named: Readonly<Record<string, z.ZodType>> = {
    Actor: actorSchema,
    ActorGroup: actorGroupSchema,
    Agent: agentSchema,
    ApprovalRequest: approvalRequestSchema,
    ApprovalTerms: approvalTermsSchema,
    Cause: causeSchema,
    Decision: decisionSchema,
    EvaluatedRule: evaluatedRuleSchema,
    EventRedaction: eventRedactionSchema,
    JsonValue: jsonValueSchema,
    LockdownScope: lockdownScopeSchema,
    MessagePart: messagePartSchema,
    Metrics: metricsSchema,
    Model: modelSchema,
    PlannedRedaction: plannedRedactionSchema,
    ShadowDecision: shadowDecisionSchema,
    Subject: subjectSchema,
  };
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  for (const event of auditEventSchema.options) registry.add(event, { id: `Event.${event.shape.kind.value}` });
  return registry;
}

/** `format` says it; the pattern beside it only makes the schema hard to read. */
function withoutUuidPattern(schema: JsonSchema): void {
  if (schema["format"] === "uuid" || schema["format"] === "date-time") delete schema["pattern"];
}
