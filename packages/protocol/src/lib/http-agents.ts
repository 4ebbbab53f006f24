import * as z from "zod";
import { agentSchema } from "./agent.ts";
import { idSchema, timestampSchema } from "./ids.ts";
import { toolSchema } from "./tool.ts";

/** What one client of an agent last said that it has applied. */
export const agentClientSchema = z.object({
  clientId: idSchema,
  agentId: idSchema,
  /** The revision of its policies. */
  revision: z.int().min(0),
  /** The stop orders that it obeys. */
  lockdownIds: z.array(idSchema),
  /** Set when it refused the newest revision and the last good one stays. */
  refused: z.object({ code: z.string(), message: z.string() }).optional(),
  /** The revision of its stop orders. */
  lockdownRevision: z.int().min(0),
  /** Whether it acts upon stop orders and policies. */
  enforceMode: z.enum(["enforce", "shadow", "off"]),
  /** Absent when it has not said anything yet. */
  ackedAt: timestampSchema.optional(),
  /** When it was last heard from; exact to about a minute. */
  seenAt: timestampSchema,
});
export interface AgentClient extends z.infer<typeof agentClientSchema> {}

/** An agent as the control plane knows it. */
export const registeredAgentSchema = z.object({
  agentId: idSchema,
  ...agentSchema.shape,
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
  /** When a client of it last registered; exact to about a minute. */
  lastSeenAt: timestampSchema,
});
export interface RegisteredAgent extends z.infer<typeof registeredAgentSchema> {}

/** `GET /v1/agents` */
export const agentListSchema = z.object({
  agents: z.array(registeredAgentSchema),
  /** Where the next page starts; absent after the last one. */
  nextCursor: z.string().optional(),
});
export interface AgentList extends z.infer<typeof agentListSchema> {}

/** `GET /v1/agents/{agentId}` */
export const agentAnswerSchema = z.object({
  agent: registeredAgentSchema,
  /** The newest revision that its clients should have. */
  revision: z.int().min(0),
  /** Those heard from within the last day; of more than 10,000 the newest. */
  clients: z.array(agentClientSchema),
});
export interface AgentAnswer extends z.infer<typeof agentAnswerSchema> {}

/** A tool in an agent's inventory. */
export const registeredToolSchema = z.object({
  tool: toolSchema,
  /** From 1; grows by one when the definition changes. */
  version: z.int().min(1),
  firstSeenAt: timestampSchema,
  changedAt: timestampSchema,
});
export interface RegisteredTool extends z.infer<typeof registeredToolSchema> {}

/** `GET /v1/agents/{agentId}/tools` */
export const toolListSchema = z.object({ tools: z.array(registeredToolSchema) });
export interface ToolList extends z.infer<typeof toolListSchema> {}

/** `GET /v1/agents/{agentId}/tools/{name}/versions`, newest first. */
export const toolVersionsSchema = z.object({ versions: z.array(registeredToolSchema) });
export interface ToolVersions extends z.infer<typeof toolVersionsSchema> {}

/** `PUT /v1/agents/{agentId}/tools` and `POST /v1/agents/{agentId}/ack` answer with nothing in particular. */
export const doneSchema = z.object({});
