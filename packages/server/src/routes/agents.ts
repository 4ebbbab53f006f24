import {
  agentAnswerSchema,
  agentListSchema,
  doneSchema,
  idSchema,
  type RegisteredAgent,
  type RegisteredTool,
  registerAgentAnswerSchema,
  registerAgentBodySchema,
  registerToolsBodySchema,
  toolListSchema,
  toolNameSchema,
  toolVersionsSchema,
} from "@handlebar/protocol";
import * as z from "zod";
import { AGENT_BODY_SIZE_BYTES_MAX, LIST_PAGE_COUNT, LIST_PAGE_COUNT_MAX } from "../limits.ts";
import type { AgentRecord, ClientRecord, ToolRecord } from "../services/agents-service.ts";
import type { Services } from "../services/services.ts";
import { upgradeToolsBody } from "./older-tools.ts";
import { defineRoute, type Route } from "./route.ts";
import { timeText } from "./time-text.ts";

const TAG = "Agents";
const agentParams = z.object({ agentId: idSchema });

/** Registration of agents and of their tools, and what is known of them. */
export function agentsRoutes({ agents, states }: Pick<Services, "agents" | "states">): readonly Route[] {
  return [
    defineRoute({
      method: "PUT",
      path: "/v1/agents",
      operationId: "registerAgent",
      summary: "Registers an agent by its slug, or updates it, and answers with what is in force for it",
      tag: TAG,
      scope: "agents:write",
      body: registerAgentBodySchema,
      bodySizeBytesMax: AGENT_BODY_SIZE_BYTES_MAX,
      answers: { 200: { description: "The agent's id and its state", schema: registerAgentAnswerSchema } },
      handle: async ({ principal: { workspaceId }, body }) => {
        const agent = await agents.register(workspaceId, body);
        const state = await agents.freshStateJson(workspaceId, agent);
        return { status: 200, json: `{"agentId":${JSON.stringify(agent.agentId)},"state":${state}}` };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/agents",
      operationId: "listAgents",
      summary: "Lists agents by slug",
      tag: TAG,
      scope: "read",
      query: z.strictObject({
        limit: z.coerce.number().int().min(1).max(LIST_PAGE_COUNT_MAX).optional(),
        cursor: z.string().max(1_024).optional(),
      }),
      answers: { 200: { description: "One page of agents", schema: agentListSchema } },
      handle: async ({ principal, query: { limit = LIST_PAGE_COUNT, cursor } }) => {
        const { items, nextCursor } = await agents.list(principal.workspaceId, { limit, cursor });
        return { status: 200, body: { agents: items.map(agentOf), nextCursor } };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/agents/{agentId}",
      operationId: "getAgent",
      summary: "One agent, by id or slug, and what its clients have applied",
      tag: TAG,
      scope: "read",
      params: agentParams,
      answers: { 200: { description: "The agent and its clients", schema: agentAnswerSchema } },
      handle: async ({ principal: { workspaceId }, params: { agentId } }) => {
        const agent = await agents.read(workspaceId, agentId);
        const clients = await agents.clients(workspaceId, agent.agentId);
        const { revision } = await states.get(workspaceId);
        return { status: 200, body: { agent: agentOf(agent), revision, clients: clients.map(clientOf) } };
      },
    }),
    ...toolRoutes({ agents }),
  ];
}

function toolRoutes({ agents }: Pick<Services, "agents">): readonly Route[] {
  return [
    defineRoute({
      method: "PUT",
      path: "/v1/agents/{agentId}/tools",
      operationId: "registerTools",
      summary: "Adds tools to an agent's inventory, or changes those that it has",
      tag: TAG,
      scope: "agents:write",
      params: agentParams,
      body: registerToolsBodySchema,
      upgrade: upgradeToolsBody,
      bodySizeBytesMax: AGENT_BODY_SIZE_BYTES_MAX,
      answers: { 200: { description: "They are registered", schema: doneSchema } },
      handle: async ({ principal, params: { agentId }, body: { tools } }) => {
        await agents.putTools(principal.workspaceId, agentId, tools);
        return { status: 200, body: {} };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/agents/{agentId}/tools",
      operationId: "listTools",
      summary: "The tools of an agent, by name",
      tag: TAG,
      scope: "read",
      params: agentParams,
      answers: { 200: { description: "Its inventory", schema: toolListSchema } },
      handle: async ({ principal, params: { agentId } }) => {
        const tools = await agents.tools(principal.workspaceId, agentId);
        return { status: 200, body: { tools: tools.map(toolOf) } };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/agents/{agentId}/tools/{name}/versions",
      operationId: "listToolVersions",
      summary: "Every version of one tool, newest first",
      tag: TAG,
      scope: "read",
      params: z.object({ agentId: idSchema, name: toolNameSchema }),
      answers: { 200: { description: "Its versions", schema: toolVersionsSchema } },
      handle: async ({ principal, params: { agentId, name } }) => {
        const versions = await agents.toolVersions(principal.workspaceId, agentId, name);
        return { status: 200, body: { versions: versions.map(toolOf) } };
      },
    }),
  ];
}

function agentOf(record: AgentRecord): RegisteredAgent {
  const { workspaceId: _, createdAtMs, updatedAtMs, lastSeenAtMs, ...rest } = record;
  return {
    ...rest,
    createdAt: timeText(createdAtMs),
    updatedAt: timeText(updatedAtMs),
    lastSeenAt: timeText(lastSeenAtMs),
  };
}

function toolOf({ tool, version, firstSeenAtMs, changedAtMs }: ToolRecord): RegisteredTool {
  return { tool, version, firstSeenAt: timeText(firstSeenAtMs), changedAt: timeText(changedAtMs) };
}

function clientOf({ ackedAtMs, seenAtMs, ...rest }: ClientRecord): object {
  return {
    ...rest,
    ...(ackedAtMs === undefined ? {} : { ackedAt: timeText(ackedAtMs) }),
    seenAt: timeText(seenAtMs),
  };
}
