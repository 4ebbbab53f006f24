import {
  type Cause,
  type Decision,
  type EvaluatedRule,
  idSchema,
  jsonValueSchema,
  metricsSchema,
  registerAgentAnswerSchema,
  registerAgentBodySchema,
  stringMapSchema,
  subjectSchema,
} from "@handlebar/protocol";
import * as z from "zod";
import { AGENT_BODY_SIZE_BYTES_MAX, CHECK_BODY_SIZE_BYTES_MAX } from "../limits.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";

const TAG = "Older clients";

/** `POST /v1/runs/{runId}/evaluate` as `handlebar-js` 0.3 and `handlebar-python` send it. */
const evaluateBodySchema = z.object({
  phase: z.enum(["tool.before", "tool.after"]),
  agentId: idSchema,
  tool: z.object({ name: z.string(), tags: z.array(z.string()).nullish() }),
  args: jsonValueSchema.optional(),
  result: jsonValueSchema.optional(),
  actor: z.object({ externalId: idSchema }).nullish(),
  tags: stringMapSchema.nullish(),
  subjects: z.array(subjectSchema).nullish(),
  metrics: metricsSchema.nullish(),
});

/** The causes that these clients know; they take any other for a failed call. */
const legacyCauseSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ALLOW") }),
  z.object({ kind: z.literal("RULE_VIOLATION"), ruleId: z.string() }),
  z.object({ kind: z.literal("HITL_PENDING"), approvalId: z.string(), ruleId: z.string().optional() }),
  z.object({ kind: z.literal("LOCKDOWN"), lockdownId: z.string().optional() }),
]);

type LegacyCause =
  | { readonly kind: "ALLOW" }
  | { readonly kind: "RULE_VIOLATION"; readonly ruleId: string }
  | { readonly kind: "HITL_PENDING"; readonly approvalId: string; readonly ruleId?: string }
  | { readonly kind: "LOCKDOWN"; readonly lockdownId?: string };

const legacyDecisionSchema = z.object({
  verdict: z.enum(["ALLOW", "BLOCK"]),
  control: z.enum(["CONTINUE", "TERMINATE"]),
  cause: legacyCauseSchema,
  message: z.string(),
  evaluatedRules: z.array(
    z.object({ ruleId: z.string(), enabled: z.boolean(), matched: z.boolean(), violated: z.boolean() }),
  ),
  finalRuleId: z.string().optional(),
});

/** A decision as `legacyDecisionSchema` has it. */
interface LegacyDecision {
  readonly verdict: Decision["verdict"];
  readonly control: Decision["control"];
  readonly cause: LegacyCause;
  readonly message: string;
  readonly evaluatedRules: readonly Pick<EvaluatedRule, "ruleId" | "enabled" | "matched" | "violated">[];
  readonly finalRuleId?: string;
}

/**
 * What clients of the first protocol ask for and today's do not. The rest of what they ask is served by today's routes: `PUT /v1/agents`,
 * `PUT /v1/agents/{agentId}/tools`, `/v1/runs/{runId}/start` and `/end`, and `POST /v1/runs/events`.
 */
export function compatRoutes({ agents, legacyChecks }: Pick<Services, "agents" | "legacyChecks">): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/agents",
      operationId: "registerAgentByPost",
      summary: "As `PUT /v1/agents`",
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
      method: "POST",
      path: "/v1/runs/{runId}/evaluate",
      operationId: "evaluateCall",
      summary: "Decides one tool call for a client that decides nothing itself",
      tag: TAG,
      scope: "check",
      params: z.object({ runId: idSchema }),
      body: evaluateBodySchema,
      bodySizeBytesMax: CHECK_BODY_SIZE_BYTES_MAX,
      answers: { 200: { description: "The decision", schema: legacyDecisionSchema } },
      handle: async ({ principal, params: { runId }, body }) => {
        const { phase, agentId, tool, args, result, actor, tags, subjects, metrics } = body;
        const decision = await legacyChecks.check(principal.workspaceId, {
          agentId,
          runId,
          phase,
          tool: { name: tool.name, ...(tool.tags == null ? {} : { tags: tool.tags }) },
          args,
          result,
          actorExternalId: actor?.externalId,
          tags: tags ?? undefined,
          subjects: subjects ?? undefined,
          metrics: metrics ?? undefined,
        });
        return { status: 200, body: legacyDecisionOf(decision) };
      },
    }),
  ];
}

/** A decision as these clients read it. They cannot redact: what a rule wants redacted is blocked. */
export function legacyDecisionOf(decision: Decision): LegacyDecision {
  const { verdict, control, cause, message, evaluatedRules, finalRuleId, redactions } = decision;
  const redaction = verdict === "ALLOW" ? redactions?.[0] : undefined;
  const rows = evaluatedRules.map(({ ruleId, enabled, matched, violated }) => ({ ruleId, enabled, matched, violated }));
  const rule = finalRuleId === undefined ? {} : { finalRuleId };
  if (redaction === undefined) {
    return { verdict, control, cause: legacyCauseOf(cause, decision), message, evaluatedRules: rows, ...rule };
  }
  return {
    verdict: "BLOCK",
    control,
    cause: { kind: "RULE_VIOLATION", ruleId: redaction.ruleId },
    message: "this call was denied: a policy redacts part of it, which this client cannot do",
    evaluatedRules: rows,
    finalRuleId: redaction.ruleId,
  };
}

function legacyCauseOf(cause: Cause, { verdict, finalRuleId }: Decision): LegacyCause {
  if (verdict === "ALLOW") return { kind: "ALLOW" };
  switch (cause.kind) {
    case "LOCKDOWN":
      return { kind: "LOCKDOWN", lockdownId: cause.lockdownId };
    case "RUN_ENDED":
      return { kind: "LOCKDOWN" };
    case "HITL_PENDING":
      if (cause.approvalId === undefined) return { kind: "RULE_VIOLATION", ruleId: cause.ruleId ?? UNNAMED };
      return {
        kind: "HITL_PENDING",
        approvalId: cause.approvalId,
        ...(cause.ruleId === undefined ? {} : { ruleId: cause.ruleId }),
      };
    case "RULE_VIOLATION":
    case "BUDGET_EXHAUSTED":
      return { kind: "RULE_VIOLATION", ruleId: cause.ruleId };
    case "ALLOW":
    case "HITL_APPROVED":
    case "HITL_DENIED":
    case "UNAVAILABLE":
      return { kind: "RULE_VIOLATION", ruleId: finalRuleId ?? UNNAMED };
  }
}

/** Stands for the rule where none decided. */
const UNNAMED = "handlebar";
