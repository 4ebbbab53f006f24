import type { EventKind } from "@handlebar/protocol";

type Fields = Readonly<Record<string, unknown>>;

/** What a row of an older client does not name. */
const UNNAMED = "unknown";

/**
 * The `data` of an event of the first protocol in today's form; `undefined` for a kind that it does not have. What is still wrong with it is for
 * the schema to find.
 */
export function legacyData(
  kind: string,
  data: Fields,
  { agent, callId }: { readonly agent: string; readonly callId: string },
): Fields | undefined {
  switch (kind as EventKind) {
    case "run.started":
      return withoutAbsent({
        agent: { slug: agent },
        actor: data.actor,
        model: data.model,
        adapter: adapterOf(data.adapter),
        enforceMode: "enforce",
        sdk: { name: "handlebar", version: "0" },
      });
    case "tool.decision":
      return withoutAbsent({
        ...legacyDecision(data),
        callId,
        tool: toolOf(data.tool),
        args: data.args,
        subjects: data.subjects,
      });
    case "tool.result":
      return withoutAbsent({
        callId,
        tool: toolOf(data.tool),
        outcome: data.outcome,
        error: errorOf(data.error),
        metrics: metricsOf({ duration_ms: data.durationMs }),
      });
    case "message.raw.created":
      return {
        messageId: data.messageId,
        role: data.role === "developer" ? "system" : data.role,
        content: data.content,
      };
    case "llm.result": {
      const tokens = fieldsOf(data.tokens);
      return withoutAbsent({
        callId,
        model: data.model,
        outcome: "success",
        metrics: metricsOf({ llm_tokens_in: tokens.in, llm_tokens_out: tokens.out, duration_ms: data.durationMs }),
      });
    }
    case "run.ended":
      return { status: data.status, steps: data.totalSteps ?? 0 };
    case "error":
      return { code: "client", scope: data.scope, message: data.message };
    default:
      return undefined;
  }
}

function legacyDecision({ verdict, control, cause, message, evaluatedRules, finalRuleId }: Fields): Fields {
  const rows: readonly unknown[] = Array.isArray(evaluatedRules) ? evaluatedRules : [];
  return withoutAbsent({
    verdict,
    control,
    cause: causeOf(cause),
    message: message ?? "",
    evaluatedRules: rows.map(ruleOf),
    finalRuleId,
  });
}

/** First-protocol rules do not say which policy they are of. */
function causeOf(cause: unknown): unknown {
  const { kind, ruleId, lockdownId, approvalId } = fieldsOf(cause);
  switch (kind) {
    case "RULE_VIOLATION":
      return { kind, ruleId, policyId: UNNAMED };
    case "HITL_PENDING":
      return withoutAbsent({ kind, approvalId, ruleId });
    case "LOCKDOWN":
      return { kind, lockdownId: lockdownId ?? UNNAMED };
    default:
      return cause;
  }
}

function ruleOf(row: unknown): Fields {
  const { ruleId, enabled, matched, violated } = fieldsOf(row);
  return {
    ruleId,
    policyId: UNNAMED,
    enabled,
    matched,
    violated,
    mode: "enforce",
    effect: violated === true ? "block" : "allow",
    outcome: matched === true ? "true" : "false",
  };
}

function toolOf(tool: unknown): Fields {
  const { name, categories, tags } = fieldsOf(tool);
  return withoutAbsent({ name, tags: tags ?? categories });
}

function adapterOf(adapter: unknown): Fields | undefined {
  const { name, version } = fieldsOf(adapter);
  return typeof name === "string" ? withoutAbsent({ name, version }) : undefined;
}

function errorOf(error: unknown): Fields | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { name, message } = fieldsOf(error);
  return withoutAbsent({ name, message: message ?? "" });
}

function metricsOf(metrics: Fields): Fields | undefined {
  const known = Object.entries(metrics).filter(([, value]) => typeof value === "number" && Number.isFinite(value));
  return known.length === 0 ? undefined : Object.fromEntries(known);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function withoutAbsent(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}
