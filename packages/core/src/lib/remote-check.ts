import { type CallFacts, labelsOf, UNKNOWN } from "@handlebar/engine";
import type { ApprovalRequest, CheckFacts, Decision, JsonValue, Metrics } from "@handlebar/protocol";
import type { CaptureLevel } from "./config.ts";
import { forgetOldest } from "./forget-oldest.ts";
import { fingerprintOf, type Holding, requestOf } from "./held-call.ts";
import { LIMITS } from "./limits.ts";
import type { RunCore } from "./run-core.ts";
import type { UserFacts } from "./user-functions.ts";

/** One call that the control plane is to decide. */
export interface RemoteCall {
  readonly phase: CheckFacts["phase"];
  readonly call?: CallFacts;
  readonly metrics?: Metrics;
  readonly llm?: Pick<CheckFacts, "messages" | "model" | "callId">;
  /** The arguments as people may be shown them. */
  readonly shownArgs?: () => JsonValue | undefined;
}

/** Asks the control plane with what the user's functions said; `undefined` when it cannot be asked. */
export type AskRemote = (user: UserFacts) => Promise<Decision | undefined>;

/** How to let the control plane decide, where the client is set to. */
export function remoteQuestion<TContext extends object>(
  core: RunCore<TContext>,
  question: RemoteCall,
): AskRemote | undefined {
  const { config, link } = core.services;
  if (config.evaluation !== "remote" || link === undefined) return undefined;
  return async (user) => {
    const prompt = core.untoldPrompt;
    const facts: CheckFacts = {
      ...runFacts(core),
      ...(question.call === undefined ? {} : callFacts(question.call)),
      ...question.llm,
      ...userFacts(user),
      phase: question.phase,
      ...(question.metrics === undefined ? {} : { metrics: { ...question.metrics } }),
      ...(prompt === undefined ? {} : { prompt }),
      ...shownArgsOf(config.capture.args, question),
    };
    const answer = await link.check({
      facts,
      hold: true,
      failClosed: config.failClosed,
      enforceMode: config.enforceMode === "shadow" ? "shadow" : "enforce",
    });
    if (answer !== undefined) core.untoldPrompt = undefined;
    return answer?.decisions[0];
  };
}

/** The request that the control plane made for a held call, as the audit trail tells of it; once for each approval. */
export function remoteRequest<TContext extends object>(
  core: RunCore<TContext>,
  holding: Holding,
  { cause }: Decision,
): ApprovalRequest | undefined {
  if (cause.kind !== "HITL_PENDING" || cause.approvalId === undefined) return undefined;
  const { approvalId, ruleId, policyId } = cause;
  const bound = fingerprintOf(holding);
  const isKnown = core.toldApprovals.has(approvalId);
  if (bound === undefined || isKnown || ruleId === undefined || policyId === undefined) return undefined;
  core.toldApprovals.add(approvalId);
  forgetOldest(core.toldApprovals, LIMITS.openCallCountMax);
  return requestOf(holding, { approvalId, fingerprint: bound, ruleId, policyId });
}

/** Nothing where the arguments may be shown as they are. */
function shownArgsOf(level: CaptureLevel, { shownArgs }: RemoteCall): Pick<CheckFacts, "shownArgs"> {
  return shownArgs === undefined || level === "full" ? {} : { shownArgs: shownArgs() ?? null };
}

function runFacts<TContext extends object>(core: RunCore<TContext>): Omit<CheckFacts, "phase"> {
  const { context } = core.facts("tool.before").run;
  const labels = labelsOf(core.state);
  return {
    runId: core.runId,
    ...(core.sessionId === undefined ? {} : { sessionId: core.sessionId }),
    ...(core.actor === undefined ? {} : { actor: core.actor }),
    runTags: { ...core.tags },
    ...(isRecord(context) ? { context } : {}),
    ...(labels.length === 0 ? {} : { labels: [...labels] }),
  };
}

function callFacts(call: CallFacts): Partial<CheckFacts> {
  const { callId, tool, args, argsExceeded, result, resultExceeded, error, durationMs } = call;
  return {
    callId,
    tool: { name: tool.name, tags: [...tool.tags], ...(tool.kind === undefined ? {} : { kind: tool.kind }) },
    args,
    ...(argsExceeded === true ? { argsExceeded } : {}),
    ...(result === undefined ? {} : { result }),
    ...(resultExceeded === true ? { resultExceeded } : {}),
    ...(error === undefined
      ? {}
      : { error: { message: error.message, ...(error.name === undefined ? {} : { name: error.name }) } }),
    ...(durationMs === undefined ? {} : { durationMs }),
  };
}

/** What the user's functions said, and which of them failed. */
function userFacts({ subjects, signals, customs }: UserFacts): Partial<CheckFacts> {
  const answered = [...(signals ?? [])];
  const failedSignals = answered.filter(([, value]) => value === UNKNOWN).map(([name]) => name);
  const known = answered.filter(
    (entry): entry is [string, JsonValue] => entry[1] !== UNKNOWN && entry[1] !== undefined,
  );
  const said = [...(customs ?? [])].filter((entry): entry is [string, boolean] => entry[1] !== UNKNOWN);
  const failed = {
    ...(subjects === UNKNOWN ? { subjects: true } : {}),
    ...(failedSignals.length === 0 ? {} : { signals: failedSignals }),
  };
  return {
    ...(subjects === undefined || subjects === UNKNOWN ? {} : { subjects: [...subjects] }),
    ...(known.length === 0 ? {} : { signals: Object.fromEntries(known) }),
    ...(said.length === 0 ? {} : { customs: Object.fromEntries(said) }),
    ...(Object.keys(failed).length === 0 ? {} : { failed }),
  };
}

function isRecord(value: JsonValue): value is { [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
