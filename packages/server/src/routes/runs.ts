import type { Lockdown } from "@handlebar/protocol";
import {
  doneSchema,
  endRunBodySchema,
  eventListSchema,
  idSchema,
  type RunRecord as RunAnswerRecord,
  runAnswerSchema,
  runEventsQuerySchema,
  runListSchema,
  runsQuerySchema,
  type StartRunAnswer,
  startRunAnswerSchema,
  startRunBodySchema,
} from "@handlebar/protocol";
import * as z from "zod";
import { LIST_PAGE_COUNT } from "../limits.ts";
import type { RunRecord } from "../services/runs-service.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";
import { timeMsOf, timeText } from "./time-text.ts";

const TAG = "Runs";
const runParams = z.object({ runId: idSchema });

/** Runs, from their start to their end. */
export function runsRoutes(services: Pick<Services, "runs" | "events">): readonly Route[] {
  return [...lifeRoutes(services), ...readRoutes(services)];
}

function lifeRoutes({ runs }: Pick<Services, "runs">): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/runs/{runId}/start",
      operationId: "startRun",
      summary: "Opens a run; says whether a stop order covers it",
      tag: TAG,
      scope: "events:write",
      params: runParams,
      body: startRunBodySchema,
      answers: { 200: { description: "It is open", schema: startRunAnswerSchema } },
      handle: async ({ principal, params: { runId }, body }) => ({
        status: 200,
        body: startAnswerOf(await runs.start(principal.workspaceId, runId, body)),
      }),
    }),
    defineRoute({
      method: "POST",
      path: "/v1/runs/{runId}/end",
      operationId: "endRun",
      summary: "Closes a run; the first status stands",
      tag: TAG,
      scope: "events:write",
      params: runParams,
      body: endRunBodySchema,
      answers: { 200: { description: "It is closed", schema: doneSchema } },
      handle: async ({ principal, params: { runId }, body }) => {
        await runs.end(principal.workspaceId, runId, body);
        return { status: 200, body: {} };
      },
    }),
  ];
}

function readRoutes({ runs, events }: Pick<Services, "runs" | "events">): readonly Route[] {
  return [
    defineRoute({
      method: "GET",
      path: "/v1/runs",
      operationId: "listRuns",
      summary: "Lists runs, newest first",
      tag: TAG,
      scope: "read",
      query: runsQuerySchema,
      answers: { 200: { description: "One page of runs", schema: runListSchema } },
      handle: async ({ principal, query }) => {
        const { agent, session, actor, status, gap, since, until, limit = LIST_PAGE_COUNT, cursor } = query;
        const filter = {
          agent,
          sessionId: session,
          actorExternalId: actor,
          status,
          hasGap: gap === "true" ? true : undefined,
          sinceMs: timeMsOf(since),
          untilMs: timeMsOf(until),
        };
        const { items, nextCursor } = await runs.list(principal.workspaceId, filter, { limit, cursor });
        return { status: 200, body: { runs: items.map(runOf), nextCursor } };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/runs/{runId}",
      operationId: "getRun",
      summary: "One run, and which of its events are missing",
      tag: TAG,
      scope: "read",
      params: runParams,
      answers: { 200: { description: "The run", schema: runAnswerSchema } },
      handle: async ({ principal, params: { runId } }) => {
        const { run, gaps } = await runs.get(principal.workspaceId, runId);
        return { status: 200, body: { run: runOf(run), gaps } };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/runs/{runId}/events",
      operationId: "listRunEvents",
      summary: "The events of one run, in its order",
      tag: TAG,
      scope: "read",
      params: runParams,
      query: runEventsQuerySchema,
      answers: { 200: { description: "One page of events", schema: eventListSchema } },
      handle: async ({ principal: { workspaceId }, params: { runId }, query: { limit = LIST_PAGE_COUNT, cursor } }) => {
        await runs.require(workspaceId, runId);
        const { items, nextCursor } = await events.ofRun(workspaceId, runId, { limit, cursor });
        return { status: 200, body: { events: items, nextCursor } };
      },
    }),
  ];
}

function startAnswerOf(lockdown: Lockdown | undefined): StartRunAnswer {
  if (lockdown === undefined) return { lockdown: { active: false } };
  const { reason, until } = lockdown;
  return {
    lockdown: {
      active: true,
      ...(reason === undefined ? {} : { reason }),
      until_ts: until === undefined ? null : Date.parse(until),
    },
  };
}

function runOf(run: RunRecord): RunAnswerRecord {
  const { runId, agent, sessionId, actor, model, tags, startedAtMs, endedAtMs, status, lastEventAtMs } = run;
  const { eventCount, decisionCount, blockCount, droppedCount } = run;
  return {
    runId,
    agent,
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(actor === undefined ? {} : { actor }),
    ...(model === undefined ? {} : { model }),
    tags: { ...tags },
    startedAt: timeText(startedAtMs),
    ...(endedAtMs === undefined ? {} : { endedAt: timeText(endedAtMs) }),
    ...(status === undefined ? {} : { status }),
    eventCount,
    decisionCount,
    blockCount,
    droppedCount,
    ...(lastEventAtMs === undefined ? {} : { lastEventAt: timeText(lastEventAtMs) }),
  };
}
