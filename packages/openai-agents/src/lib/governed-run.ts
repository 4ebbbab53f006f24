import { type RunConfig, type RunSnapshot, withRun } from "@handlebar/core";
import { type AnyClient, type AnyRun, type JoinedRun, joinOrStartRun, resumeRun } from "@handlebar/core/adapter";
import type { AgentInputItem } from "@openai/agents";
import { ledgerOf } from "./call-ledger.ts";
import type { AnyAgent, AnyState, Framework } from "./framework.ts";
import { governTool, instrumentAgents } from "./instrument-agents.ts";
import { answerInterruptions, governStored, keepInState, readFromState, releaseInterrupted } from "./resume.ts";
import type { GovernOptions, RunStart } from "./run-options.ts";
import { settleAbandoned, settleFromRequest } from "./settle-calls.ts";
import { StopSignal } from "./stop-signal.ts";
import { ADAPTER } from "./version.ts";

/** What the framework's run gives, streamed or not. */
interface AnyResult {
  readonly state: AnyState;
  readonly interruptions: readonly unknown[];
  readonly newItems: readonly { readonly rawItem?: AgentInputItem | undefined }[];
  readonly completed?: Promise<void>;
  readonly cancelled?: boolean;
}

export interface AnyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly errorHandlers?: object | undefined;
  readonly handlebar?: RunStart | undefined;
}

/** One call of an agent, to be run by the framework. */
export interface AgentCall {
  readonly agent: AnyAgent;
  readonly input: unknown;
  readonly options: AnyOptions | undefined;
  /** The framework's own run. */
  readonly execute: (options: AnyOptions) => Promise<AnyResult>;
}

/** Who governs and how. */
export interface Governor extends GovernOptions {
  readonly hb: AnyClient;
  readonly framework: Framework;
}

/** Runs an agent under a run of the client's: the one it is called in, the one that its state was paused with, or a new one. */
export async function runGoverned(governor: Governor, call: AgentCall): Promise<AnyResult> {
  const { hb, framework } = governor;
  instrumentAgents(call.agent, framework);
  const state = isState(call.input) ? call.input : undefined;
  const paused = state === undefined ? undefined : readFromState(state);
  // A context is whatever the client's runs take; only the program knows its type.
  const start = { ...startOf(governor), ...call.options?.handlebar, adapter: ADAPTER } as RunConfig<never>;
  const { run, owned } = paused === undefined ? joinOrStartRun(hb, start) : resumed(hb, start, paused.snapshot);
  const ledger = ledgerOf(run);
  ledger.client ??= hb;
  ledger.approvals = governor.approvals ?? "native";
  return withRun(run, async () => {
    if (state !== undefined) {
      governStored(state, (tool) => governTool(tool, framework));
      await answerInterruptions(run, state, paused?.held ?? []);
    }
    return execute(run, { owned, call, stop: new StopSignal(run, { framework, options: call.options }) });
  });
}

/** The run that was paused, here or from its snapshot; another actor gets a run of its own. */
function resumed(hb: AnyClient, start: RunConfig<never>, snapshot: RunSnapshot): JoinedRun {
  const { actor } = start;
  const run = hb.findPaused(snapshot.runId, start) ?? hb.startRun({ ...start, runId: undefined, snapshot });
  const isOthers = actor !== undefined && run.actor?.externalId !== actor.externalId;
  return isOthers ? resumeRun(hb, snapshot.runId, { ...start, runId: undefined }) : { run, owned: true };
}

interface Execution {
  readonly owned: boolean;
  readonly call: AgentCall;
  readonly stop: StopSignal;
}

async function execute(run: AnyRun, { owned, call, stop }: Execution): Promise<AnyResult> {
  let result: AnyResult;
  try {
    result = await call.execute(stop.options);
  } catch (error) {
    const stopped = stop.resultOf(error);
    if (stopped === undefined) {
      stop.dispose();
      if (owned) await endFailed(run, error, call.options?.signal);
      throw error;
    }
    result = stopped;
  }
  if (result.completed === undefined) {
    stop.dispose();
    await finish(run, result, owned);
    return result;
  }
  const streamed = result;
  void result.completed.then(
    () => {
      stop.dispose();
      return finish(run, streamed, owned);
    },
    (error: unknown) => {
      stop.dispose();
      return owned ? endFailed(run, error, call.options?.signal) : undefined;
    },
  );
  return result;
}

/** Settles what is open and ends the run, or sets it aside where the agent waits for a person. */
async function finish(run: AnyRun, result: AnyResult, owned: boolean): Promise<void> {
  const ledger = ledgerOf(run);
  if (ledger.open().some(({ decision }) => decision.verdict === "ALLOW"))
    await settleFromRequest(run, rawItems(result));
  if (result.interruptions.length > 0) releaseInterrupted(run, result.state);
  if (!owned) return;
  if (result.interruptions.length > 0 && result.cancelled !== true && !run.terminated) {
    keepInState(run, result.state);
    return;
  }
  if (ledger.open().length > 0) await settleAbandoned(run, new DOMException("the run has ended", "AbortError"));
  void run.end(result.cancelled === true ? "interrupted" : "success");
}

async function endFailed(run: AnyRun, error: unknown, signal: AbortSignal | undefined): Promise<void> {
  if (ledgerOf(run).open().length > 0) await settleAbandoned(run, error);
  void run.end(signal?.aborted === true ? "interrupted" : "error");
}

function rawItems({ newItems }: AnyResult): readonly AgentInputItem[] {
  return newItems.flatMap(({ rawItem }) => (rawItem === undefined ? [] : [rawItem]));
}

function startOf({ start }: GovernOptions): RunStart {
  return (typeof start === "function" ? start() : start) ?? {};
}

/** A state to go on from is an object; other input is text or a list of items. */
function isState(input: unknown): input is AnyState {
  return typeof input === "object" && input !== null && !Array.isArray(input) && "getInterruptions" in input;
}
