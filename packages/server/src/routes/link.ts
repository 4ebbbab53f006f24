import {
  ackBodySchema,
  agentStateSchema,
  CLIENT_HEADER,
  doneSchema,
  idSchema,
  linkMessageSchema,
} from "@handlebar/protocol";
import * as z from "zod";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";
import { waitMsOf, waitQuerySchema } from "./wait.ts";

const TAG = "Live link";
const agentParams = z.object({ agentId: idSchema });

/** What keeps an agent's clients current: their state, its stream, and their word that they applied it. */
export function linkRoutes({ agents, states, link }: Pick<Services, "agents" | "states" | "link">): readonly Route[] {
  return [
    defineRoute({
      method: "GET",
      path: "/v1/agents/{agentId}/state",
      operationId: "getState",
      summary:
        "What is in force for an agent; its ETag is the revision, and with `wait` the answer is held until there is another one",
      tag: TAG,
      scope: "agents:write",
      params: agentParams,
      query: waitQuerySchema,
      answers: {
        200: { description: "The state", schema: agentStateSchema },
        304: { description: "The client has this revision, or a newer one" },
      },
      handle: async ({ principal: { workspaceId }, params, query, headers, signal }) => {
        const { agentId } = await agents.require(workspaceId, params.agentId);
        const has = revisionOf(headers.get("if-none-match"));
        const waitMs = has === undefined ? 0 : waitMsOf(query);
        const clientId = clientOf(headers);
        const leave =
          clientId === undefined ? undefined : agents.presence.connected({ workspaceId, agentId, clientId });
        // Who asks without waiting may have heard of a revision from another process.
        const reading =
          waitMs > 0 ? states.next(workspaceId, has ?? -1, { waitMs, signal }) : states.fresh(workspaceId);
        const snapshot = await reading.finally(leave);
        const tag = { etag: `"${snapshot.revision}"`, "cache-control": "no-store" };
        if (has !== undefined && has >= snapshot.revision) return { status: 304, headers: tag };
        // The agent is read after the state, so that tags that changed while the answer was held count.
        const agent = await agents.require(workspaceId, params.agentId);
        return { status: 200, json: agents.stateJson(snapshot, agent), headers: tag };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/agents/{agentId}/stream",
      operationId: "streamState",
      summary: "The live link: server-sent events of states, lockdowns, answered approvals and recalled leases",
      tag: TAG,
      scope: "agents:write",
      params: agentParams,
      answers: {
        200: { description: "Messages of the live link, one JSON object per event", events: linkMessageSchema },
      },
      handle: async ({ principal: { workspaceId }, params: { agentId }, headers }) => {
        const agent = await agents.require(workspaceId, agentId);
        const snapshot = await states.get(workspaceId);
        const lastEventId = headers.get("last-event-id") ?? undefined;
        const clientId = clientOf(headers);
        return { stream: (sink) => link.open({ agent, snapshot, lastEventId, clientId }, sink) };
      },
    }),
    defineRoute({
      method: "POST",
      path: "/v1/agents/{agentId}/ack",
      operationId: "acknowledgeState",
      summary: "Says what a client has applied, or why it refused a revision",
      tag: TAG,
      scope: "agents:write",
      params: agentParams,
      body: ackBodySchema,
      answers: { 200: { description: "It is noted", schema: doneSchema } },
      handle: async ({ principal, params: { agentId }, body }) => {
        await agents.acknowledge(principal.workspaceId, agentId, body);
        return { status: 200, body: {} };
      },
    }),
  ];
}

/** How the client names itself, where it does. */
function clientOf(headers: Headers): string | undefined {
  const named = idSchema.safeParse(headers.get(CLIENT_HEADER));
  return named.success ? named.data : undefined;
}

/** The revision in an `If-None-Match`. */
function revisionOf(header: string | null): number | undefined {
  const digits = /^(?:W\/)?"(\d{1,15})"$/.exec(header?.trim() ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}
