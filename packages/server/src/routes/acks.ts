import { type AckClient, type AcksAnswer, acksAnswerSchema, idSchema } from "@handlebar/protocol";
import * as z from "zod";
import type { AcksReport, StandingClient } from "../services/acks-service.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";
import { timeText } from "./time-text.ts";

/** What clients have acknowledged. */
export function acksRoutes({ acks }: Pick<Services, "acks">): readonly Route[] {
  const answers = { 200: { description: "Counts, and clients by what there is to look at", schema: acksAnswerSchema } };
  return [
    defineRoute({
      method: "GET",
      path: "/v1/acks",
      operationId: "listAcks",
      summary: "Which clients have the newest policies, which do not yet, and which refused them and why",
      tag: "Policies",
      scope: "read",
      answers,
      handle: async ({ principal }) => {
        return { status: 200, body: answerOf(await acks.report(principal.workspaceId)) };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/policies/{policyId}/acks",
      operationId: "listPolicyAcks",
      summary:
        "Which of the clients that a policy is for have its newest version, which do not yet, and which refused it and why",
      tag: "Policies",
      scope: "read",
      params: z.object({ policyId: idSchema }),
      answers,
      handle: async ({ principal, params: { policyId } }) => {
        return { status: 200, body: answerOf(await acks.report(principal.workspaceId, policyId)) };
      },
    }),
  ];
}

function answerOf({ revision, counts, unenforcedCount, clients }: AcksReport): AcksAnswer {
  return { revision, counts, unenforcedCount, clients: clients.map(clientOf) };
}

function clientOf({ client, agent, standing }: StandingClient): AckClient {
  const { clientId, revision, refused, enforceMode, ackedAtMs, seenAtMs } = client;
  return {
    clientId,
    agent,
    standing,
    revision,
    ...(refused === undefined ? {} : { refused }),
    enforceMode,
    ...(ackedAtMs === undefined ? {} : { ackedAt: timeText(ackedAtMs) }),
    seenAt: timeText(seenAtMs),
  };
}
