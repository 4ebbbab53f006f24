/// <reference lib="esnext.disposable" preserve="true" />
import { type RunState, snapshotRunState } from "@handlebar/engine";
import type { AuditEvent, Decision, EventData, JsonObject, Phase, RunStatus } from "@handlebar/protocol";
import type {
  LlmDecision,
  LlmRequest,
  LlmResponse,
  LlmResponseDecision,
  ToolCall,
  ToolDecision,
  ToolOutcome,
  ToolResultDecision,
  ToolRun,
} from "./hook-types.ts";
import type { RunPhase } from "./lifecycle.ts";
import { afterLlm, beforeLlm } from "./llm-hooks.ts";
import { obeyLockdowns } from "./obey-lockdowns.ts";
import type { RunSnapshot } from "./run-config.ts";
import type { RunCore } from "./run-core.ts";
import { afterTool, beforeTool, beforeTools, notStarted } from "./tool-hooks.ts";
import type { DefinedTool } from "./tools.ts";

/** What a tool's own code gets beside its arguments. */
export interface ExecuteOptions {
  /** Fires when the run is ended, by policy or otherwise. */
  readonly signal: AbortSignal;
}

/**
 * One pass of an agent's loop. Its hooks decide and record; they never throw for Handlebar's own failures (SPEC "When
 * things fail"), and after the run was ended or terminated they answer `BLOCK`, `TERMINATE`.
 */
export class Run<TContext extends object = JsonObject> {
  readonly #core: RunCore<TContext>;

  /** @internal use `hb.startRun`. */
  constructor(core: RunCore<TContext>) {
    this.#core = core;
  }

  get runId(): string {
    return this.#core.runId;
  }

  get sessionId(): string | undefined {
    return this.#core.sessionId;
  }

  get actor(): RunCore<TContext>["actor"] {
    return this.#core.actor;
  }

  get context(): TContext {
    return this.#core.context;
  }

  get tags(): Readonly<Record<string, string>> {
    return this.#core.tags;
  }

  /** Where the run stands. */
  get state(): RunPhase {
    return this.#core.lifecycle.phase;
  }

  /** A decision, a lockdown or a time limit ended the run: no further call of it may start. */
  get terminated(): boolean {
    return this.state === "terminated" || this.state === "ended";
  }

  /** Fires when nothing of the run may go on: terminated, locked down, out of time or ended. Hand it to what you call. */
  get signal(): AbortSignal {
    return this.#core.lifecycle.signal;
  }

  /** The newest decisions, oldest first; at most 200. */
  get decisions(): readonly Decision[] {
    return [...this.#core.decisions];
  }

  /** Decides one proposed tool call. Run the tool only on `verdict: "ALLOW"`, with the `args` of the answer. */
  beforeTool<TArgs>(call: ToolCall<TArgs>): Promise<ToolDecision<TArgs>> {
    return beforeTool(this.#core, call);
  }

  /** Decides a batch in order, as one: when a call of it ends the run, none of the batch starts. */
  beforeTools<TArgs>(calls: readonly ToolCall<TArgs>[]): Promise<readonly ToolDecision<TArgs>[]> {
    return beforeTools(this.#core, calls);
  }

  /** Records what a call came to and decides what of its result may go to the model. */
  afterTool<TResult>(
    call: ToolCall | ToolDecision,
    outcome: ToolOutcome<TResult>,
  ): Promise<ToolResultDecision<TResult>> {
    return afterTool(this.#core, call, outcome);
  }

  /**
   * For who calls `beforeTool` and awaits something before the tool starts: gives the decision that stops a call which was let
   * through, where its run was ended in between, and records that the call did not run. Ask in the same tick in which the call
   * would start. `undefined`: start it.
   */
  notStarted(before: ToolDecision): Decision | undefined {
    return notStarted(this.#core, before);
  }

  /** Decides one request to a model. Send it only on `verdict: "ALLOW"`, with the `messages` of the answer. */
  beforeLlm(request: LlmRequest): Promise<LlmDecision> {
    return beforeLlm(this.#core, request);
  }

  /** Counts what a model call used and decides what of the response may go on. */
  afterLlm(response: LlmResponse): Promise<LlmResponseDecision> {
    return afterLlm(this.#core, response);
  }

  /**
   * Decides, executes and records one call. A blocked call is not executed and a withheld result not handed out: both come
   * back as `status: "blocked"`. What `execute` throws is recorded and thrown on, unchanged.
   */
  async tool<TArgs, TResult>(
    call: ToolCall<TArgs> | (DefinedTool<TArgs, TResult> & { readonly args: TArgs }),
    execute?: (args: TArgs, options: ExecuteOptions) => TResult | Promise<TResult>,
  ): Promise<ToolRun<TResult>> {
    const run = execute ?? ("execute" in call ? call.execute : undefined);
    if (run === undefined) throw new TypeError("run.tool: give `execute`, or a tool made by `defineTool`");
    const before = await this.beforeTool<TArgs>(call);
    if (before.verdict === "BLOCK") return { status: "blocked", decision: before };
    const stopped = this.notStarted(before);
    if (stopped !== undefined) return { status: "blocked", decision: stopped };
    let result: TResult;
    try {
      result = await run(before.args, { signal: this.signal });
    } catch (error) {
      await this.afterTool(before, { error });
      throw error;
    }
    const after = await this.afterTool(before, { result });
    if (after.verdict === "BLOCK") return { status: "blocked", decision: after };
    // Redaction keeps the type: it changes text only.
    return { status: "done", result: after.result as TResult, decision: before };
  }

  /**
   * Ends the run; the first status wins and the state flips at once. The promise waits for events to be delivered, at most
   * `flushTimeoutMs`; await it or not.
   */
  end(status: RunStatus = "success"): Promise<void> {
    this.#core.end(status);
    return this.#core.services.flush();
  }

  /** Sets the run aside, such as for a pending approval. `startRun({ runId, snapshot })` goes on, here or elsewhere. */
  pause(): RunSnapshot {
    this.#core.lifecycle.pause();
    return {
      version: 1,
      runId: this.runId,
      startedAtMs: this.#core.startedAtMs,
      nextSeq: this.#core.writer.nextSeq,
      nextStep: this.#core.nextStep,
      state: snapshotRunState(this.#core.state),
    };
  }

  /**
   * Whether policy may change what a phase carries, as far as is known now: streamed text (`llm.after`) and early results of tools
   * (`tool.after`) have to be held back only where it may. @internal called by adapters.
   */
  canChange(phase: Phase): boolean {
    return this.#core.canChange(phase);
  }

  /** Stops the run at once where a lockdown in force covers it. @internal called by the client. */
  obeyLockdowns(): void {
    obeyLockdowns(this.#core);
  }

  /** What policies remember of the run, for a run that it starts. @internal called by the client. */
  get memory(): RunState {
    return this.#core.state;
  }

  /** The event that accounts for events of this run that were lost. @internal called by the client's sink. */
  makeDropped(data: EventData<"events.dropped">): AuditEvent {
    return this.#core.writer.make("events.dropped", { data });
  }

  /** Ends a run left open as `interrupted`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("interrupted");
  }
}
