import type { ApprovalFact, Facts, PolicySet } from "@handlebar/engine";
import type { Approval, ApprovalRequest, Decision, JsonValue } from "@handlebar/protocol";
import type { ApprovalPrincipal, ApprovalsService } from "./approvals-service.ts";
import { callFingerprint } from "./call-fingerprint.ts";

/** A call that the server holds for a person. */
export interface HeldCheck {
  readonly workspaceId: string;
  /** The key that asks. */
  readonly keyId: string | undefined;
  readonly facts: Facts;
  readonly set: PolicySet;
  readonly decision: Decision;
  /** Names the request: calls may repeat their ids, and each is approved on its own. */
  readonly operationId: string;
  /** The arguments as people are shown them. */
  readonly shownArgs: JsonValue | undefined;
}

/** Where held calls are brought before a person. */
export type ApprovalDesk = Pick<ApprovalsService, "claim" | "standing">;

/** Brings a held call before a person and answers with what is known of it; `undefined` for what no answer could be bound to. */
export async function holdCheck(approvals: ApprovalDesk, held: HeldCheck): Promise<ApprovalFact | undefined> {
  const request = requestOf(held);
  if (request === undefined) return undefined;
  const { workspaceId, keyId } = held;
  const asking: ApprovalPrincipal = keyId === undefined ? { workspaceId } : { workspaceId, keyId };
  return factOf(await approvals.claim(asking, request));
}

/** Whether a rule holds the call beside the one that decided. */
export function isHeldBeside({ verdict, control, evaluatedRules }: Decision): boolean {
  if (verdict !== "BLOCK" || control !== "TERMINATE") return false;
  return evaluatedRules.some(({ violated, effect, mode }) => violated && effect === "hitl" && mode === "enforce");
}

/** The approval that there is for a call that is blocked anyway: nobody is asked about it, and none is used up. */
export async function standingApproval(
  approvals: ApprovalDesk,
  { workspaceId, facts }: Pick<HeldCheck, "workspaceId" | "facts">,
): Promise<ApprovalFact | undefined> {
  const fingerprint = fingerprintOf(facts);
  if (fingerprint === undefined) return undefined;
  const approval = await approvals.standing(workspaceId, fingerprint);
  return approval === undefined ? undefined : factOf(approval);
}

/** The decision on a call that is held and that nobody can be asked about. */
export function unheldDecision({ evaluatedRules }: Decision): Decision {
  const code = "HB_APPROVAL_UNAVAILABLE";
  return {
    verdict: "BLOCK",
    control: "CONTINUE",
    cause: { kind: "UNAVAILABLE", code },
    message: "this call was denied because it could not be checked; it may be tried again later",
    evaluatedRules,
    degraded: [code],
  };
}

function factOf({ approvalId, status, by, edited }: Approval): ApprovalFact {
  return {
    approvalId,
    status: factStatusOf(status),
    ...(by === undefined ? {} : { by }),
    ...(edited === undefined ? {} : { instead: edited.args }),
  };
}

/** What was neither approved nor is open any more counts as denied. */
function factStatusOf(status: Approval["status"]): ApprovalFact["status"] {
  return status === "approved" || status === "pending" ? status : "denied";
}

function requestOf({ facts, set, decision, ...held }: HeldCheck): ApprovalRequest | undefined {
  const { call, actor, agent, run } = facts;
  const { cause } = decision;
  if (cause.kind !== "HITL_PENDING" || cause.ruleId === undefined || cause.policyId === undefined) return undefined;
  const fingerprint = fingerprintOf(facts);
  if (call === undefined || fingerprint === undefined) return undefined;
  const policy = set.policies.find(({ id }) => id === cause.policyId);
  const effect = policy?.rules.find(({ id }) => id === cause.ruleId)?.effect;
  return {
    approvalId: held.operationId,
    fingerprint,
    agent: agent.slug,
    runId: run.runId,
    callId: call.callId,
    tool: call.tool.name,
    args: held.shownArgs ?? call.args,
    ruleId: cause.ruleId,
    policyId: cause.policyId,
    ...(run.sessionId === undefined ? {} : { sessionId: run.sessionId }),
    ...(actor === undefined ? {} : { actor }),
    ...(effect?.reason === undefined ? {} : { reason: effect.reason }),
    ...(effect?.type === "hitl" && effect.approval !== undefined ? { terms: effect.approval } : {}),
  };
}

/** What an approval is bound to: agent, tool, canonical arguments and actor, as clients reckon it. */
function fingerprintOf({ agent, actor, call }: Facts): string | undefined {
  if (call === undefined || call.argsExceeded === true) return undefined;
  return callFingerprint({ agent: agent.slug, tool: call.tool.name, args: call.args, actor });
}
