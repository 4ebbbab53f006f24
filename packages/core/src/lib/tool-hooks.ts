import {
  type CallFacts,
  decide,
  type Facts,
  findLockdown,
  labelsOf,
  noteResult,
  redactValue,
  reservationIdOf,
  sharedAdds,
  UNKNOWN,
} from "@handlebar/engine";
import type { Decision, EventData, Metrics, Subject } from "@handlebar/protocol";
import { capture, mergeRedactions } from "./capture.ts";
import type { CaptureLevel } from "./config.ts";
import { decideCall } from "./decide-call.ts";
import type { EventContent } from "./event-writer.ts";
import { onFailure } from "./failure-table.ts";
import { sha256Hex } from "./fingerprint.ts";
import { forgetOldest } from "./forget-oldest.ts";
import { awaitAnswer, type Holding, holdCall } from "./held-call.ts";
import type { ToolCall, ToolDecision, ToolOutcome, ToolResultDecision } from "./hook-types.ts";
import { LIMITS } from "./limits.ts";
import { toolMetrics } from "./measure.ts";
import { remoteQuestion, remoteRequest } from "./remote-check.ts";
import { plainOf, type RunCore } from "./run-core.ts";
import { shownDecision } from "./shown-decision.ts";
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
  readonly tookMs: number;
}

export async function beforeTool<TArgs, TContext extends object>(
  core: RunCore<TContext>,
  call: ToolCall<TArgs>,
): Promise<ToolDecision<TArgs>> {
  const [decision] = await beforeTools(core, [call]);
  // One call in, one decision out.
  return decision as ToolDecision<TArgs>;
}

/** Decides a batch in order; when one of them ends the run, none of the batch starts. */
export async function beforeTools<TArgs, TContext extends object>(
  core: RunCore<TContext>,
  calls: readonly ToolCall<TArgs>[],
): Promise<readonly ToolDecision<TArgs>[]> {
  core.lifecycle.touch();
  const prepared = calls.map((call) => prepare(core, call));
  const decided: Decided[] = [];
  for (const one of prepared) {
    const startedMs = core.services.runtime.clock.monotonicMs();
    const decision = core.services.config.enforceMode === "off" ? OFF : await decideTool(core, one);
    core.conclude(decision);
    decided.push({ decision, tookMs: core.services.runtime.clock.monotonicMs() - startedMs });
  }
  return prepared.map((one, index) => {
    const { decision, tookMs } = decided[index] ?? { decision: OFF, tookMs: 0 };
    return finishBefore(core, one, { decision: afterBatch(core, one.facts, decision), tookMs });
  });
}

/** A call that was let through before its run was ended, or its tool stopped, does not start either. */
function afterBatch<TContext extends object>(core: RunCore<TContext>, call: CallFacts, decision: Decision): Decision {
  if (decision.verdict === "BLOCK" || !isStopped(core, call.tool)) return decision;
  const { set } = core.services.state;
  return { ...decide(set, { ...core.facts("tool.before"), call }), evaluatedRules: decision.evaluatedRules };
}

/** A run that was ended, or a stop order that came in between: nothing of it may start, whatever was decided before. */
function isStopped<TContext extends object>(core: RunCore<TContext>, tool: CallFacts["tool"]): boolean {
  const { config, state } = core.services;
  if (config.enforceMode !== "enforce") return false;
  if (core.lifecycle.forFacts !== "open") return true;
  if (state.lockdowns.length === 0) return false;
  return findLockdown({ ...core.facts("tool.before"), call: { callId: "", tool, args: null } }) !== undefined;
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

/** The tool as rules select it, in the phase before a call and after it alike. */
function toolFacts<TContext extends object>(
  core: RunCore<TContext>,
  { name, tags = [], kind }: Pick<ToolCall, "name" | "tags" | "kind">,
): CallFacts["tool"] {
  const known = core.services.tools.find(name);
  return { name, tags: [...new Set([...(known?.tags ?? []), ...tags])], kind: kind ?? known?.kind };
}

function decideTool<TArgs, TContext extends object>(
  core: RunCore<TContext>,
  prepared: PreparedCall<TArgs>,
): Promise<Decision> {
  const { call, facts } = prepared;
  const { services } = core;
  const view = core.view("tool.before", { tool: facts.tool, args: call.args, result: undefined });
  return decideCall(services, {
    facts: (extra) => ({ ...core.facts("tool.before"), call: facts, ...extra }),
    askUser: async (needs) => {
      const user = await askUserFunctions({ ...services, report: reporter(core) }, needs, view);
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
    runId: core.approvalRunId,
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
  prepared: PreparedCall<TArgs>,
  decided: Decided,
): ToolDecision<TArgs> {
  const { call, facts } = prepared;
  const { decision } = decided;
  if (decision.verdict === "ALLOW") startCall(core, facts.callId);
  core.writer.write("tool.decision", () => describeDecision(core, prepared, decided));
  return {
    ...decision,
    callId: facts.callId,
    name: call.name,
    args: redacted(core, call.args, decision),
    tags: facts.tool.tags,
    kind: facts.tool.kind,
  };
}

function describeDecision<TContext extends object>(
  core: RunCore<TContext>,
  { call, facts, stepIndex, subjects }: PreparedCall<unknown>,
  { decision, tookMs }: Decided,
): EventContent<"tool.decision"> {
  const level = core.services.config.capture.args;
  const shown = capture("args", call.args, level);
  const told = shownDecision(decision, (args) => capture("instead", args, level));
  const data: EventData<"tool.decision"> = {
    ...told.decision,
    callId: facts.callId,
    tool: toolRef(facts),
    ...(shown.value === undefined ? {} : { args: shown.value }),
    ...(subjects === undefined ? {} : { subjects: [...subjects] }),
    decisionMs: tookMs,
  };
  return { data, stepIndex, redaction: mergeRedactions([shown, ...told.captured]) };
}

/** Decides on what a tool returned; the result is withheld where the decision is `BLOCK`. */
export async function afterTool<TResult, TContext extends object>(
  core: RunCore<TContext>,
  call: ToolCall | ToolDecision,
  outcome: ToolOutcome<TResult>,
): Promise<ToolResultDecision<TResult>> {
  core.lifecycle.touch();
  const facts = finishedCall(core, call, outcome);
  const view = core.view("tool.after", { tool: facts.tool, args: call.args, result: outcome.result });
  const asking = { ...core.services, report: reporter(core) };
  const metrics: Metrics = {
    ...toolMetrics({ args: facts.args, result: facts.result, durationMs: facts.durationMs ?? 0 }),
    ...(await askMetrics(asking, view)),
    ...outcome.metrics,
  };
  const factsNow = (extra: object): Facts => ({ ...core.facts("tool.after"), call: facts, metrics, ...extra });
  const noted = noteFinished(core, factsNow({}));
  const decision =
    core.services.config.enforceMode === "off"
      ? OFF
      : await decideCall(core.services, {
          facts: factsNow,
          askUser: (needs) => askUserFunctions(asking, needs, view),
          askRemote: remoteQuestion(core, { phase: "tool.after", call: facts, metrics }),
          // A finished call cannot be held back for a person: its result is withheld instead.
          hold: () => Promise.resolve("unavailable"),
        });
  core.conclude(decision);
  const result = decision.verdict === "BLOCK" ? undefined : redacted(core, outcome.result, decision);
  core.writer.write("tool.result", () =>
    describeResult(core.services.config.capture.results, { facts, metrics, decision, result, labelsAdded: noted }),
  );
  return { ...decision, result };
}

function finishedCall<TContext extends object>(
  core: RunCore<TContext>,
  call: ToolCall | ToolDecision,
  outcome: ToolOutcome,
): CallFacts {
  const callId = call.callId ?? core.services.runtime.newId();
  const args = plainOf(call.args ?? {});
  const result = outcome.result === undefined ? undefined : plainOf(outcome.result);
  return {
    callId,
    tool: toolFacts(core, call),
    args: args.value,
    argsExceeded: args.exceeded,
    result: result?.value,
    resultExceeded: result?.exceeded,
    error: outcome.error === undefined ? undefined : describeError(outcome.error),
    durationMs: outcome.durationMs ?? takeDurationMs(core, callId),
  };
}

/** Remembers what a finished call did, before anything is decided about it; gives the labels that the run got. */
export function noteFinished<TContext extends object>(core: RunCore<TContext>, facts: Facts): readonly string[] {
  const { set } = core.services.state;
  if (core.services.config.enforceMode === "off") return [];
  const before = new Set(labelsOf(core.state));
  noteResult(set, facts);
  for (const add of sharedAdds(set, facts)) core.services.shared.apply(add, reservationIdOf(facts));
  core.shareLabels();
  const after = labelsOf(core.state);
  core.services.sessions.keep(core.sessionId, set, { agent: facts.agent, state: core.state });
  return after.filter((label) => !before.has(label));
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
  const decision = decide(core.services.state.set, { ...core.facts("tool.before"), call: facts });
  noteFinished(core, { ...core.facts("tool.after"), call: facts });
  core.conclude(decision);
  core.writer.write("tool.result", () =>
    describeResult(core.services.config.capture.results, {
      facts,
      metrics: {},
      decision,
      result: undefined,
      labelsAdded: [],
    }),
  );
  return decision;
}

class NotStartedError extends Error {
  override readonly name = "NotStarted";
  constructor() {
    super("the run was ended before the call started");
  }
}

interface Finished {
  readonly facts: CallFacts;
  readonly metrics: Metrics;
  readonly decision: Decision;
  readonly result: unknown;
  readonly labelsAdded: readonly string[];
}

function describeResult(level: CaptureLevel, finished: Finished): EventContent<"tool.result"> {
  const { facts, metrics, decision, labelsAdded } = finished;
  const shown = capture("result", finished.result, level);
  const data: EventData<"tool.result"> = {
    callId: facts.callId,
    tool: toolRef(facts),
    outcome: facts.error === undefined ? "success" : "error",
    metrics: { ...metrics },
    ...(shown.value === undefined ? {} : { result: shown.value }),
    ...(facts.error === undefined ? {} : { error: shownError(facts.error, level) }),
    ...(labelsAdded.length === 0 ? {} : { labelsAdded: [...labelsAdded] }),
    ...(decision.evaluatedRules.length === 0 && decision.verdict === "ALLOW" ? {} : { decision }),
  };
  return { data, redaction: mergeRedactions([shown]) };
}

/** An error's text is a payload too: it may quote what the tool read. */
export function shownError(
  error: NonNullable<CallFacts["error"]>,
  level: CaptureLevel,
): { name?: string; message: string } {
  const message = capture("error", error.message, level).value;
  return {
    ...(error.name === undefined ? {} : { name: error.name }),
    message: typeof message === "string" ? message : "[omitted]",
  };
}

export function describeError(error: unknown): { readonly name?: string | undefined; readonly message: string } {
  try {
    if (error instanceof Error) return { name: error.name, message: error.message };
    return { message: typeof error === "string" ? error : String(error) };
  } catch {
    return { message: "the tool threw something that cannot be read" };
  }
}

export function reporter<TContext extends object>(core: RunCore<TContext>): (name: string, error: unknown) => void {
  return (name, error) => core.report(onFailure("user-function-failed", false).code, name, error);
}

/** A payload with what a decision redacts taken out; the same payload where it redacts nothing. */
function redacted<T, TContext extends object>(core: RunCore<TContext>, payload: T, decision: Decision): T {
  if (decision.redactions === undefined || payload === undefined) return payload;
  return redactValue(payload, decision.redactions, { hash: hashFor(core) }).value;
}

/** Digests are keyed by the run: equal values of one run stay equal, and nothing can be looked up across runs. */
export function hashFor<TContext extends object>(core: RunCore<TContext>): (text: string) => string {
  return (text) => sha256Hex(`${core.runId}\n${text}`);
}

export function startCall<TContext extends object>(core: RunCore<TContext>, callId: string): void {
  core.startedCalls.set(callId, core.services.runtime.clock.monotonicMs());
  forgetOldest(core.startedCalls, LIMITS.openCallCountMax);
}

export function takeDurationMs<TContext extends object>(core: RunCore<TContext>, callId: string): number {
  const startedMs = core.startedCalls.get(callId);
  core.startedCalls.delete(callId);
  return startedMs === undefined ? 0 : core.services.runtime.clock.monotonicMs() - startedMs;
}

function toolRef(facts: CallFacts): { name: string; tags?: string[]; kind?: string } {
  const { name, tags, kind } = facts.tool;
  return {
    name,
    ...(tags.length === 0 ? {} : { tags: [...tags] }),
    ...(kind === undefined ? {} : { kind }),
  };
}
