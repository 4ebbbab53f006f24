import type { ToolCall, ToolDecision } from "@handlebar/core";
import type { AnyRun } from "@handlebar/core/adapter";
import { isBubbleUp } from "./tool-call.ts";
import { isObject } from "./tool-shape.ts";

/** The part of a LangGraph node's runtime that pausing needs. */
export interface PausingRuntime {
  readonly interrupt?: ((value: unknown) => unknown) | undefined;
  readonly configurable?: unknown;
}

/** What the caller of a paused agent is shown: LangChain's own form of a request for review, and the approvals behind it. */
export interface PauseRequest {
  readonly actionRequests: readonly { readonly name: string; readonly args: unknown; readonly description: string }[];
  readonly reviewConfigs: readonly { readonly actionName: string; readonly allowedDecisions: readonly string[] }[];
  readonly handlebar: {
    readonly runId: string;
    readonly approvals: readonly { readonly callId: string; readonly approvalId: string }[];
  };
}

/** A call that was decided, with the arguments that were asked about. */
export interface DecidedCall {
  readonly asked: unknown;
  readonly before: ToolDecision;
}

/** Interrupts that one call is looked through for; as many times can a person be asked again. */
const ROUND_COUNT_MAX = 64;

/**
 * The calls of one answer of a model of which at least one is held. They wait as one: nothing of them starts before the held ones are
 * answered, so that the run's memory in the checkpoint is complete when another process goes on. Whatever the graph is resumed
 * with, the answer is asked of whoever holds the approval.
 */
export class HeldBatch {
  readonly #run: AnyRun;
  readonly #decided: Map<string, DecidedCall>;
  readonly #seen = new Set<string>();
  #fresh: boolean;
  #rounds: number;
  #parkedTask: { readonly id: unknown } | undefined;
  #answered: Promise<void> | undefined;

  /** `kept`: the batch comes from a checkpoint, where it was left at an interrupt. */
  constructor(run: AnyRun, calls: readonly DecidedCall[], from: "decided" | "kept") {
    this.#run = run;
    this.#decided = new Map(calls.map((call) => [call.before.callId, call]));
    this.#fresh = from === "decided";
    this.#rounds = from === "decided" ? 0 : 1;
  }

  has(callId: string): boolean {
    return this.#decided.has(callId);
  }

  /** The call has run: asked for again, it is decided anew. */
  finish(before: ToolDecision): void {
    if (this.#decided.get(before.callId)?.before === before) this.#decided.delete(before.callId);
  }

  /** The decision on a call, once nobody is waited for. Throws LangGraph's interrupt while somebody is. */
  async admit(callId: string, runtime: PausingRuntime): Promise<DecidedCall | undefined> {
    if (this.#fresh && !this.#seen.has(callId)) this.#park(callId, runtime);
    if (this.#fresh) this.#nextPass();
    this.#answered ??= this.#askAgain();
    this.#consume(runtime);
    await this.#answered;
    if (this.#pending().length > 0) {
      this.#fresh = true;
      this.#park(callId, runtime);
    }
    return this.#decided.get(callId);
  }

  #nextPass(): void {
    this.#fresh = false;
    this.#rounds += 1;
    this.#seen.clear();
    this.#parkedTask = undefined;
    this.#answered = undefined;
  }

  async #askAgain(): Promise<void> {
    const pending = this.#pending();
    const calls = pending.map(({ asked, before }): ToolCall => {
      const { callId, name, tags, kind } = before;
      return { callId, name, args: asked, tags, kind };
    });
    const decisions = await this.#run.beforeTools(calls);
    decisions.forEach((before, at) => {
      this.#decided.set(before.callId, { asked: pending[at]?.asked, before });
    });
  }

  /** Takes what the graph was resumed with, so that it is not taken for an answer to a question of the tool's own. */
  #consume(runtime: PausingRuntime): void {
    for (let round = 0; round < this.#rounds; round++) {
      try {
        runtime.interrupt?.(this.#request());
      } catch {
        // Resumed for another of the batch only: there was nothing to take here.
        return;
      }
    }
  }

  /** Always throws. One call of the batch tells the caller of the agent; the others wait in silence. */
  #park(callId: string, runtime: PausingRuntime): never {
    this.#seen.add(callId);
    const task = { id: taskId(runtime) };
    for (let round = 0; round < ROUND_COUNT_MAX; round++) {
      try {
        runtime.interrupt?.(this.#request());
      } catch (error) {
        const isTold = this.#parkedTask !== undefined && this.#parkedTask.id !== task.id;
        this.#parkedTask ??= task;
        if (isTold && isBubbleUp(error) && isObject(error) && "interrupts" in error) error.interrupts = [];
        throw error;
      }
    }
    throw new Error("the graph was resumed too often for one call");
  }

  #pending(): readonly DecidedCall[] {
    return [...this.#decided.values()].filter(isPending);
  }

  #request(): PauseRequest {
    const pending = this.#pending().map(({ before }) => before);
    return {
      actionRequests: pending.map(({ name, args, message }) => ({ name, args, description: message })),
      reviewConfigs: pending.map(({ name }) => ({ actionName: name, allowedDecisions: ["approve", "reject"] })),
      handlebar: {
        runId: this.#run.runId,
        approvals: pending.flatMap(({ callId, cause }) =>
          cause.kind === "HITL_PENDING" && cause.approvalId !== undefined
            ? [{ callId, approvalId: cause.approvalId }]
            : [],
        ),
      },
    };
  }
}

/** The call waits for a person. */
export function isPending({ before }: DecidedCall): boolean {
  return before.cause.kind === "HITL_PENDING";
}

function taskId({ configurable }: PausingRuntime): unknown {
  return isObject(configurable) && "__pregel_task_id" in configurable ? configurable.__pregel_task_id : undefined;
}

/** Whether the graph can pause here: LangGraph needs somewhere to keep its state. */
export function canPause({ interrupt, configurable }: PausingRuntime): boolean {
  return (
    interrupt !== undefined &&
    isObject(configurable) &&
    "__pregel_checkpointer" in configurable &&
    isObject(configurable.__pregel_checkpointer)
  );
}
