import { type CallFacts, decide, findLockdown, readsMetrics, redactValue, UNKNOWN } from "@handlebar/engine";
import type { Decision, Metrics, Subject } from "@handlebar/protocol";
import { capture } from "./capture.ts";
import { decideCall } from "./decide-call.ts";
import { type DecidedBy, decidedBy } from "./decided-by.ts";
import { finishedCall, noteFinished, toolFacts } from "./finished-call.ts";
import { awaitAnswer, type Holding, holdCall } from "./held-call.ts";
import type { ToolCall, ToolDecision, ToolOutcome, ToolResultDecision } from "./hook-types.ts";
import { toolMetrics } from "./measure.ts";
import { remoteQuestion, remoteRequest } from "./remote-check.ts";
import { plainOf, type RunCore } from "./run-core.ts";
import { toolDecisionEvent, toolResultEvent } from "./tool-events.ts";
import { askMetrics, askUserFunctions } from "./user-functions.ts";

/** The decision of a client that decides nothing. */
export const OFF: Decision = {
  verdict: "ALLOW",
  control: "CONTINUE",
  cause: { kind: "ALLOW" },
  message: "not evaluated",
  evaluatedRules: [],
};

/** A call with its identity settled: what is asked, recorded and handed back. */
interface PreparedCall<TArgs> {
  readonly call: ToolCall<TArgs>;
  readonly facts: CallFacts;
  /** An approval can be bound to exactly these arguments. */
  readonly canBind: boolean;
  readonly stepIndex: number;
  /** What the user's extractor found, where a rule asked for it; recorded with the decision. */
  subjects?: readonly Subject[];
}

interface Decided {
  readonly decision: Decision;
  readonly by: DecidedBy;
  readonly tookMs: number;
}

export async function beforeTool<TArgs, TContext extends object>(
  core: RunCore<TContext>,
  call: ToolCall<TArgs>,
): Promise<ToolDecision<TArgs>> {
  core.lifecycle.touch();
  const prepared = prepare(core, call);
  const decided = decidePrepared(core, prepared);
  return finishBefore(core, prepared, decided instanceof Promise ? await decided : decided);
}

/** Decides a batch in order; when one of them ends the run, none of the batch starts. */
export async function beforeTools<TArgs, TContext extends object>(
  core: RunCore<TContext>,
  calls: readonly ToolCall<TArgs>[],
): Promise<readonly ToolDecision<TArgs>[]> {
  core.lifecycle.touch();
  const prepared = calls.map((call) => prepare(core, call));
  const decided: Decided[] = [];
  for (const one of prepared) decided.push(await decidePrepared(core, one));
  return prepared.map((one, index) => finishBefore(core, one, decided[index] ?? { decision: OFF, by: {}, tookMs: 0 }));
}

function decidePrepared<TArgs, TContext extends object>(
  core: RunCore<TContext>,
  prepared: PreparedCall<TArgs>,
): Decided | Promise<Decided> {
  const { runtime, config } = core.services;
  const startedMs = runtime.clock.monotonicMs();
  const conclude = (decision: Decision): Decided => {
    const by = decidedBy(core);
    core.conclude(decision);
    return { decision, by, tookMs: runtime.clock.monotonicMs() - startedMs };
  };
  const decision = config.enforceMode === "off" ? OFF : decideTool(core, prepared);
  return decision instanceof Promise ? decision.then(conclude) : conclude(decision);
}

/** A call that was let through before its run was ended, or its tool stopped, does not start either. */
function afterBatch<TContext extends object>(core: RunCore<TContext>, call: CallFacts, decision: Decision): Decision {
  if (decision.verdict === "BLOCK" || !isStopped(core, call.tool)) return decision;
  const { set } = core.services.state;
  return { ...decide(set, core.facts("tool.before", { call })), evaluatedRules: decision.evaluatedRules };
}

/** A run that was ended, or a stop order that came in between: nothing of it may start, whatever was decided before. */
function isStopped<TContext extends object>(core: RunCore<TContext>, tool: CallFacts["tool"]): boolean {
  const { config, state } = core.services;
  if (config.enforceMode !== "enforce") return false;
  if (core.lifecycle.forFacts !== "open") return true;
  if (state.lockdowns.length === 0) return false;
  return findLockdown(core.facts("tool.before", { call: { callId: "", tool, args: null } })) !== undefined;
}

function prepare<TArgs, TContext extends object>(core: RunCore<TContext>, call: ToolCall<TArgs>): PreparedCall<TArgs> {
  const args = plainOf(call.args ?? {});
  const facts: CallFacts = {
    callId: call.callId ?? core.services.runtime.newId(),
    tool: toolFacts(core, call),
    args: args.value,
    argsExceeded: args.exceeded,
  };
  return { call, facts, canBind: args.isFaithful, stepIndex: core.takeStep() };
}

function decideTool<TArgs, TContext extends object>(
  core: RunCore<TContext>,
  prepared: PreparedCall<TArgs>,
): Decision | Promise<Decision> {
  const { call, facts } = prepared;
  return decideCall(core.services, {
    facts: (extra) => core.facts("tool.before", { call: facts, ...extra }),
    askUser: async (needs) => {
      const view = core.view("tool.before", { tool: facts.tool, args: call.args, result: undefined });
      const user = await askUserFunctions(core.asking, needs, view);
      if (user.subjects !== undefined && user.subjects !== UNKNOWN) prepared.subjects = user.subjects;
      return user;
    },
    askRemote: remoteQuestion(core, {
      phase: "tool.before",
      call: facts,
      shownArgs: () => holdingOf(core, prepared).shownArgs(),
    }),
    hold: (held) => holdCall(holdingOf(core, prepared), held),
    holdRemote: (decision, askAgain) => {
      const holding = holdingOf(core, prepared);
      const request = remoteRequest(core, holding, decision);
      if (request !== undefined) holding.onRequested(request);
      return awaitAnswer(holding, decision, askAgain);
    },
  });
}

/** How a call of this run is brought before a person. */
function holdingOf<TArgs, TContext extends object>(
  core: RunCore<TContext>,
  { call, facts, canBind }: PreparedCall<TArgs>,
): Holding {
  const { services } = core;
  return {
    runtime: services.runtime,
    desk: services.approvals,
    agent: services.config.agent.slug,
    runId: core.runId,
    sessionId: core.sessionId,
    actor: core.actor,
    call: facts,
    canBind,
    shownArgs: () => capture("args", call.args, services.config.capture.args).value,
    waitMs: call.approvalWaitMs ?? services.config.approvalWaitMs,
    requestTimeoutMs: services.config.requestTimeoutMs,
    signal: core.lifecycle.signal,
    onRequested: (approval) => core.writer.write("approval.requested", () => ({ data: { approval } })),
    onResolved: ({ approvalId, status, by, comment }) => {
      if (status === "expired")
        core.report("HB_APPROVAL_EXPIRED", facts.tool.name, `approval ${approvalId} was not answered in time`);
      core.writer.write("approval.resolved", () => ({
        data: {
          approvalId,
          callId: facts.callId,
          status,
          ...(by === undefined ? {} : { by }),
          ...(comment === undefined ? {} : { comment }),
        },
      }));
    },
  };
}

function finishBefore<TArgs, TContext extends object>(
  core: RunCore<TContext>,
  { call, facts, stepIndex, subjects }: PreparedCall<TArgs>,
  decided: Decided,
): ToolDecision<TArgs> {
  const decision = afterBatch(core, facts, decided.decision);
  if (decision.verdict === "ALLOW") core.callTimes.start(facts.callId);
  core.writer.write("tool.decision", () =>
    toolDecisionEvent(
      { facts, args: call.args, stepIndex, subjects, decision, by: decided.by, decisionMs: decided.tookMs },
      core.services.config.capture.args,
    ),
  );
  return {
    ...decision,
    callId: facts.callId,
    name: call.name,
    args: redacted(core, call.args, decision),
    tags: facts.tool.tags,
    kind: facts.tool.kind,
  };
}

/** Decides on what a tool returned; the result is withheld where the decision is `BLOCK`. */
export async function afterTool<TResult, TContext extends object>(
  core: RunCore<TContext>,
  call: ToolCall | ToolDecision,
  outcome: ToolOutcome<TResult>,
): Promise<ToolResultDecision<TResult>> {
  core.lifecycle.touch();
  const { config } = core.services;
  const facts = finishedCall(core, call, outcome);
  const view = core.view("tool.after", { tool: facts.tool, args: call.args, result: outcome.result });
  const own = config.metrics === undefined ? undefined : await askMetrics(core.asking, view);
  const metrics = measured(core, facts, { ...own, ...outcome.metrics });
  const noted = noteFinished(core, core.facts("tool.after", { call: facts, metrics }));
  const decided =
    config.enforceMode === "off"
      ? OFF
      : decideCall(core.services, {
          facts: (extra) => core.facts("tool.after", { call: facts, metrics, ...extra }),
          askUser: (needs) => askUserFunctions(core.asking, needs, view),
          askRemote: remoteQuestion(core, { phase: "tool.after", call: facts, metrics }),
          // A finished call cannot be held back for a person: its result is withheld instead.
          hold: () => Promise.resolve("unavailable"),
        });
  const decision = decided instanceof Promise ? await decided : decided;
  const by = decidedBy(core);
  core.conclude(decision);
  const result = decision.verdict === "BLOCK" ? undefined : redacted(core, outcome.result, decision);
  core.writer.write("tool.result", () =>
    toolResultEvent({ facts, metrics, decision, by, result, labelsAdded: noted }, config.capture.results),
  );
  return { ...decision, result };
}

/** Handlebar's metrics of a call with those that somebody else measured; only these where nobody looks at Handlebar's. */
function measured<TContext extends object>(core: RunCore<TContext>, call: CallFacts, others: Metrics): Metrics {
  if (!core.tellsMetrics && !readsMetrics(core.services.state.set, core.facts("tool.after", { call }))) return others;
  return {
    ...toolMetrics({ args: call.args, result: call.result, durationMs: call.durationMs ?? 0 }),
    ...others,
  };
}

/**
 * For a call that was let through and must not start after all, since its run was ended in between: records that it did not
 * run, and gives the decision that stops it. Asked in the same tick in which the call would start.
 */
export function notStarted<TContext extends object>(
  core: RunCore<TContext>,
  before: ToolDecision,
): Decision | undefined {
  if (!isStopped(core, toolFacts(core, before))) return undefined;
  const facts = finishedCall(core, before, { error: new NotStartedError() });
  const decision = decide(core.services.state.set, core.facts("tool.before", { call: facts }));
  const by = decidedBy(core);
  noteFinished(core, core.facts("tool.after", { call: facts }));
  core.conclude(decision);
  core.writer.write("tool.result", () =>
    toolResultEvent(
      { facts, metrics: {}, decision, by, result: undefined, labelsAdded: [] },
      core.services.config.capture.results,
    ),
  );
  return decision;
}

class NotStartedError extends Error {
  override readonly name = "NotStarted";
  constructor() {
    super("the run was ended before the call started");
  }
}

/** A payload with what a decision redacts taken out; the same payload where it redacts nothing. */
function redacted<T, TContext extends object>(core: RunCore<TContext>, payload: T, decision: Decision): T {
  if (decision.redactions === undefined || payload === undefined) return payload;
  return redactValue(payload, decision.redactions, { hash: core.hash }).value;
}
