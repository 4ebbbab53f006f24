import {
  createLockdownBodySchema,
  idSchema,
  type LockdownAnswer,
  type LockdownStatus,
  type LockdownStraggler,
  lockdownAnswerSchema,
  lockdownListSchema,
} from "@handlebar/protocol";
import * as z from "zod";
import type { LockdownReport, LockdownsService, Straggler } from "../services/lockdowns-service.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";
import { timeText } from "./time-text.ts";

const TAG = "Lockdowns";
const lockdownParams = z.object({ lockdownId: idSchema });

/** Stop orders. */
export function lockdownsRoutes({ lockdowns }: Pick<Services, "lockdowns">): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/lockdowns",
      operationId: "createLockdown",
      summary: "Stops an agent, an actor, a session, a tool or everything, until it is lifted or its time is over",
      tag: TAG,
      scope: "lockdowns:write",
      body: createLockdownBodySchema,
      answers: { 201: { description: "It is in force", schema: lockdownAnswerSchema } },
      handle: async ({ principal, body }) => {
        return { status: 201, body: await answerOf(lockdowns, await lockdowns.create(principal, body)) };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/lockdowns",
      operationId: "listLockdowns",
      summary: "The stop orders in force, newest first; with `all=true` also those that are over",
      tag: TAG,
      scope: "read",
      query: z.strictObject({ all: z.enum(["true", "false"]).optional() }),
      answers: { 200: { description: "The stop orders", schema: lockdownListSchema } },
      handle: async ({ principal, query }) => {
        const reports = await lockdowns.list(principal.workspaceId, query.all === "true");
        return { status: 200, body: { lockdowns: reports.map(statusOf) } };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/lockdowns/{lockdownId}",
      operationId: "getLockdown",
      summary: "One stop order, and which clients do not obey it yet",
      tag: TAG,
      scope: "read",
      params: lockdownParams,
      answers: { 200: { description: "The stop order", schema: lockdownAnswerSchema } },
      handle: async ({ principal, params: { lockdownId } }) => {
        const report = await lockdowns.get(principal.workspaceId, lockdownId);
        return { status: 200, body: await answerOf(lockdowns, report) };
      },
    }),
    defineRoute({
      method: "DELETE",
      path: "/v1/lockdowns/{lockdownId}",
      operationId: "liftLockdown",
      summary: "Lifts a stop order",
      tag: TAG,
      scope: "lockdowns:write",
      params: lockdownParams,
      answers: { 200: { description: "It is lifted", schema: lockdownAnswerSchema } },
      handle: async ({ principal, params: { lockdownId } }) => {
        const report = await lockdowns.lift(principal, lockdownId);
        return { status: 200, body: await answerOf(lockdowns, report) };
      },
    }),
  ];
}

function statusOf(report: LockdownReport): LockdownStatus {
  const { record, isInForce, clientCount, acknowledgedCount, silentCount } = report;
  const { lockdown, revision, createdAtMs, createdBy, liftedAtMs, liftedBy } = record;
  return {
    lockdown,
    revision,
    inForce: isInForce,
    createdAt: timeText(createdAtMs),
    createdBy,
    ...(liftedAtMs === undefined ? {} : { liftedAt: timeText(liftedAtMs) }),
    ...(liftedBy === undefined ? {} : { liftedBy }),
    clientCount,
    acknowledgedCount,
    silentCount,
  };
}

async function answerOf(lockdowns: LockdownsService, report: LockdownReport): Promise<LockdownAnswer> {
  const { workspaceId } = report.record;
  const [course, stragglers] = await Promise.all([
    lockdowns.course(report.record),
    Promise.all(report.stragglers.map((straggler) => stragglerOf(lockdowns, workspaceId, straggler))),
  ]);
  const { ackMs, stoppedCount, startedCount, points } = course;
  return {
    ...statusOf(report),
    stragglers,
    course: { stoppedCount, startedCount, ...(ackMs === undefined ? {} : { ackMs }), points: [...points] },
  };
}

async function stragglerOf(
  lockdowns: LockdownsService,
  workspaceId: string,
  { client, standing }: Straggler,
): Promise<LockdownStraggler> {
  const { clientId, revision, ackedAtMs, seenAtMs } = client;
  return {
    clientId,
    agent: await lockdowns.agentOf(workspaceId, client),
    standing,
    revision,
    ...(ackedAtMs === undefined ? {} : { ackedAt: timeText(ackedAtMs) }),
    seenAt: timeText(seenAtMs),
  };
}
