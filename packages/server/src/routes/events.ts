import {
  EVENT_KINDS,
  type EventFilterQuery,
  type EventKind,
  eventAnswerSchema,
  eventFilterSchema,
  eventListSchema,
  eventsQuerySchema,
  idSchema,
  ingestAnswerSchema,
  ingestRequestSchema,
  statsAnswerSchema,
  statsQuerySchema,
  tailMessageSchema,
} from "@handlebar/protocol";
import * as z from "zod";
import { INGEST_BODY_SIZE_BYTES_MAX, LIST_PAGE_COUNT } from "../limits.ts";
import type { TailFilter } from "../services/event-tail.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";
import { timeMsOf, timeText } from "./time-text.ts";

const TAG = "Events";

/** The audit trail: taken in, searched, counted, and watched as it grows. */
export function eventsRoutes(services: Pick<Services, "ingest" | "events" | "tail">): readonly Route[] {
  return [ingestRoute(services), ...searchRoutes(services), statsRoute(services)];
}

function ingestRoute({ ingest }: Pick<Services, "ingest">): Route {
  return defineRoute({
    method: "POST",
    path: "/v1/runs/events",
    operationId: "ingestEvents",
    summary: "Takes a batch of events in, each once by its `eventId`; answers when they are durable, a bad event alone",
    tag: TAG,
    scope: "events:write",
    body: ingestRequestSchema,
    bodySizeBytesMax: INGEST_BODY_SIZE_BYTES_MAX,
    answers: { 200: { description: "What was taken", schema: ingestAnswerSchema } },
    handle: async ({ principal, body }) => ({ status: 200, body: await ingest.ingest(principal.workspaceId, body) }),
  });
}

function searchRoutes({ events, tail }: Pick<Services, "events" | "tail">): readonly Route[] {
  return [
    defineRoute({
      method: "GET",
      path: "/v1/events",
      operationId: "searchEvents",
      summary: "Searches events, newest first",
      tag: TAG,
      scope: "read",
      query: eventsQuerySchema,
      answers: { 200: { description: "One page of events", schema: eventListSchema } },
      handle: async ({ principal, query: { limit = LIST_PAGE_COUNT, cursor, since, until, text, ...query } }) => {
        const filter = { ...filterOf(query), text, sinceMs: timeMsOf(since), untilMs: timeMsOf(until) };
        const { items, nextCursor } = await events.search(principal.workspaceId, filter, { limit, cursor });
        return { status: 200, body: { events: items, nextCursor } };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/events/tail",
      operationId: "tailEvents",
      summary: "New events as they are stored, as server-sent events",
      tag: TAG,
      scope: "read",
      query: eventFilterSchema,
      answers: { 200: { description: "Messages of the tail, one JSON object per event", events: tailMessageSchema } },
      handle: ({ principal: { workspaceId }, query }) => ({
        stream: (sink) => tail.open({ workspaceId, filter: filterOf(query) }, sink),
      }),
    }),
    defineRoute({
      method: "GET",
      path: "/v1/events/{eventId}",
      operationId: "getEvent",
      summary: "One event",
      tag: TAG,
      scope: "read",
      params: z.object({ eventId: idSchema }),
      answers: { 200: { description: "The event", schema: eventAnswerSchema } },
      handle: async ({ principal, params: { eventId } }) => ({
        status: 200,
        body: { event: await events.get(principal.workspaceId, eventId) },
      }),
    }),
  ];
}

function statsRoute({ events }: Pick<Services, "events">): Route {
  return defineRoute({
    method: "GET",
    path: "/v1/stats",
    operationId: "getStats",
    summary: "Runs, events, decisions, blocks and held calls by stretches of time",
    tag: TAG,
    scope: "read",
    query: statsQuerySchema,
    answers: { 200: { description: "Buckets, oldest first", schema: statsAnswerSchema } },
    handle: async ({ principal, query: { since, until, ...rest } }) => {
      const range = { sinceMs: Date.parse(since), untilMs: timeMsOf(until), ...rest };
      const { sinceMs, untilMs, bucketMs, buckets } = await events.stats(principal.workspaceId, range);
      return {
        status: 200,
        body: {
          since: timeText(sinceMs),
          until: timeText(untilMs),
          bucketSeconds: bucketMs / 1_000,
          buckets: buckets.map(({ startMs, ...counts }) => ({ start: timeText(startMs), ...counts })),
        },
      };
    },
  });
}

function filterOf(query: EventFilterQuery): TailFilter {
  const { run, session, agent, actor, kind, tool, verdict, cause, rule } = query;
  return {
    runId: run,
    sessionId: session,
    agent,
    actorExternalId: actor,
    kinds: kind === undefined ? undefined : kindsOf(kind),
    tool,
    verdict,
    cause,
    ruleId: rule,
  };
}

/** The schema let no other kinds through. */
function kindsOf(text: string): readonly EventKind[] {
  const named = new Set(text.split(","));
  return EVENT_KINDS.filter((kind) => named.has(kind));
}
