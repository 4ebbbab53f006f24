import { type RunSnapshot, type ToolDecision, withRun } from "@handlebar/core";
import { type AnyRun, joinOrStartRun } from "@handlebar/core/adapter";
import type { Decision, JsonObject, JsonValue, Message, MessagePart } from "@handlebar/protocol";
import {
  type AgentOutcome,
  type AgentPlan,
  type CallerResult,
  type ModelTurn,
  type PausedAgent,
  type PlanTool,
  RetryableModelError,
} from "./adapter-contract/adapter-subject.ts";

/** What a paused loop keeps: all of it plain JSON. */
interface Kept {
  readonly messages: readonly Message[];
  readonly decisions: readonly ToolDecision[];
  readonly snapshot: RunSnapshot;
}

type LoopItem = { readonly text: string } | { readonly messages: readonly Message[] };

/** An agent's loop as one writes it by hand around the hooks of a run; without a client, the same loop alone. */
class CustomLoop {
  readonly #plan: AgentPlan;
  readonly #run: AnyRun | undefined;
  readonly #owned: boolean;
  readonly #messages: Message[] = [];
  #held: readonly ToolDecision[] | undefined;
  paused: PausedAgent | undefined;

  constructor(plan: AgentPlan, kept?: Kept) {
    this.#plan = plan;
    const { hb, start } = plan;
    const joined =
      hb === undefined
        ? undefined
        : kept === undefined
          ? joinOrStartRun(hb, start)
          : { run: hb.startRun({ ...start, snapshot: kept.snapshot }), owned: true };
    this.#run = joined?.run;
    this.#owned = joined?.owned ?? false;
    this.#held = kept?.decisions;
    if (kept !== undefined) this.#messages.push(...kept.messages);
    else {
      if (plan.system !== undefined) this.#messages.push({ role: "system", content: plan.system });
      this.#messages.push({ role: "user", content: plan.prompt });
    }
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  /** Ends the run as the loop ends, also where its reader leaves it. */
  async *play(): AsyncGenerator<LoopItem> {
    let status: "success" | "error" | "interrupted" = "interrupted";
    try {
      yield* this.#steps();
      status = "success";
    } catch (error) {
      status = this.#plan.signal?.aborted === true ? "interrupted" : "error";
      throw error;
    } finally {
      if (this.#owned && this.paused === undefined) void this.#run?.end(status);
    }
  }

  async *#steps(): AsyncGenerator<LoopItem> {
    if (this.#held !== undefined && !(await this.#runBatch(await this.#askAgain(this.#held)))) return;
    for (let step = 0; step < this.#plan.stepCountMax; step++) {
      const answer = await this.#ask();
      this.#messages.push(answer.message);
      for (const text of answer.pieces) yield { text };
      yield { messages: [answer.message] };
      if (answer.calls.length === 0) return;
      const before = this.#messages.length;
      const goesOn = await this.#runBatch(await this.#decide(answer.calls));
      yield { messages: this.#messages.slice(before) };
      if (!goesOn) return;
    }
  }

  async #ask(): Promise<Answer> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#request();
      } catch (error) {
        if (!(error instanceof RetryableModelError) || tries >= this.#plan.retryCount) throw error;
      }
    }
  }

  async #request(): Promise<Answer> {
    const run = this.#run;
    const model = { name: "scripted-1", provider: "scripted" };
    const before = await run?.beforeLlm({ messages: this.#messages, model });
    if (before?.verdict === "BLOCK") return said(before.message);
    let turn: ModelTurn;
    try {
      this.#signal()?.throwIfAborted();
      turn = await untilAborted(this.#provider(before?.messages ?? this.#messages), this.#signal());
    } catch (error) {
      const after = await run?.afterLlm({ callId: before?.callId, error, model });
      if (after?.control === "TERMINATE" && this.#plan.signal?.aborted !== true) return said(after.message);
      throw error;
    }
    const message = messageOf(turn);
    const after = await run?.afterLlm({ callId: before?.callId, response: message, usage: turn.usage, model });
    if (after === undefined) return { message, calls: callsOf(message), pieces: turn.chunks };
    if (after.response === undefined) return said(after.message);
    const isSame = after.response === message;
    const text = textOf(after.response);
    return {
      message: after.response,
      calls: callsOf(after.response),
      pieces: isSame ? turn.chunks : text === "" ? [] : [text],
    };
  }

  async #provider(messages: readonly Message[]): Promise<ModelTurn> {
    const tools = this.#plan.tools.map(({ name }) => name);
    const turn = await this.#plan.model.answer({ messages, tools, signal: this.#signal() });
    if (turn.failsAfter !== undefined) throw turn.failsAfter;
    return turn;
  }

  #signal(): AbortSignal | undefined {
    const signals = [this.#plan.signal, this.#run?.signal].filter((signal) => signal !== undefined);
    return signals.length === 0 ? undefined : AbortSignal.any(signals);
  }

  async #decide(calls: readonly CallPart[]): Promise<readonly ToolDecision[]> {
    const asked = calls.map(({ callId, tool, args }) => {
      const tags = this.#plan.tools.find(({ name }) => name === tool)?.tags ?? [];
      return { callId, name: tool, args: args as unknown, tags };
    });
    if (this.#run !== undefined) return this.#run.beforeTools(asked);
    return asked.map((call) => ({ ...call, ...UNGOVERNED }));
  }

  /** After a pause: whoever was asked may have answered. */
  async #askAgain(decisions: readonly ToolDecision[]): Promise<readonly ToolDecision[]> {
    const pending = decisions.filter(isPending);
    const asked = pending.map(({ callId, name, args, tags }) => ({ callId, name, args, tags }));
    const answered = (await this.#run?.beforeTools(asked)) ?? [];
    return decisions.map((one) => answered.find(({ callId }) => isPending(one) && callId === one.callId) ?? one);
  }

  /** False where the loop is over, for now or for good. */
  async #runBatch(decisions: readonly ToolDecision[]): Promise<boolean> {
    const run = this.#run;
    if (this.#plan.approvals === "native" && run !== undefined && decisions.some(isPending)) {
      this.#pause(run, decisions);
      return false;
    }
    this.#messages.push(...(await Promise.all(decisions.map((decision) => this.#runTool(decision)))));
    if (this.#plan.signal?.aborted === true) throw this.#plan.signal.reason;
    if (run?.terminated !== true) return true;
    const ending = run.decisions.findLast(({ control }) => control === "TERMINATE");
    this.#messages.push({ role: "assistant", content: ending?.message ?? "the run has ended" });
    return false;
  }

  async #runTool(decision: ToolDecision): Promise<Message> {
    const run = this.#run;
    const { callId, name: tool } = decision;
    const stopped = decision.verdict === "BLOCK" ? decision : run?.notStarted(decision);
    if (stopped !== undefined) return resultOf({ callId, tool, result: stopped.message, isError: true });
    try {
      const execute = (): Promise<unknown> => this.#execute(decision);
      const result = await (run === undefined ? execute() : withRun(run, execute));
      const after = await run?.afterTool(decision, { result });
      if (after?.verdict === "BLOCK") return resultOf({ callId, tool, result: after.message, isError: true });
      return resultOf({ callId, tool, result: jsonOf(after === undefined ? result : after.result) });
    } catch (error) {
      await run?.afterTool(decision, { error });
      return resultOf({ callId, tool, result: String(error), isError: true });
    }
  }

  async #execute({ name, args }: ToolDecision): Promise<unknown> {
    const tool = this.#plan.tools.find((one) => one.name === name);
    if (tool === undefined) throw new Error(`there is no tool \`${name}\``);
    // The model's arguments are an object.
    const given = args as Readonly<Record<string, JsonValue>>;
    this.#signal()?.throwIfAborted();
    if ("execute" in tool) return tool.execute(given, { signal: this.#signal() });
    return this.#runInner(tool, String(given["prompt"]));
  }

  async #runInner(tool: Extract<PlanTool, { readonly agent: unknown }>, prompt: string): Promise<string> {
    const loop = new CustomLoop({ ...this.#plan, ...tool.agent, prompt, approvals: "block" });
    for await (const _ of loop.play());
    return textOf(loop.messages.at(-1));
  }

  #pause(run: AnyRun, decisions: readonly ToolDecision[]): void {
    const kept: Kept = { messages: this.#messages, decisions, snapshot: run.pause() };
    const paused: PausedAgent = {
      state: JSON.stringify(kept),
      callIds: decisions.filter(isPending).map(({ callId }) => callId),
      // What a client sends back is the state and nothing else: there is no place for a claim.
      approvedByCaller: () => paused,
      withArgs: (args) => ({ ...paused, state: JSON.stringify(changed(kept, args)) }),
    };
    this.paused = paused;
  }
}

interface Answer {
  readonly message: Message;
  readonly calls: readonly CallPart[];
  readonly pieces: readonly string[];
}

type CallPart = Extract<MessagePart, { readonly type: "tool-call" }>;

const UNGOVERNED: Decision = {
  verdict: "ALLOW",
  control: "CONTINUE",
  cause: { kind: "ALLOW" },
  message: "not governed",
  evaluatedRules: [],
};

function said(text: string): Answer {
  return { message: { role: "assistant", content: text }, calls: [], pieces: [text] };
}

function messageOf({ chunks, calls }: ModelTurn): Message {
  const text = chunks.join("");
  if (calls.length === 0) return { role: "assistant", content: text };
  const parts: MessagePart[] = text === "" ? [] : [{ type: "text", text }];
  return {
    role: "assistant",
    content: [...parts, ...calls.map((call): CallPart => ({ type: "tool-call", ...call }))],
  };
}

function callsOf({ content }: Message): readonly CallPart[] {
  return typeof content === "string" ? [] : content.filter((part) => part.type === "tool-call");
}

function textOf(message: Message | undefined): string {
  if (message === undefined) return "";
  if (typeof message.content === "string") return message.content;
  return message.content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

function resultOf(part: Omit<Extract<MessagePart, { readonly type: "tool-result" }>, "type">): Message {
  return { role: "tool", content: [{ type: "tool-result", ...part }] };
}

/** What is kept, with other arguments for every held call. */
function changed(kept: Kept, args: JsonObject): Kept {
  return {
    ...kept,
    messages: kept.messages.map((message) =>
      typeof message.content === "string"
        ? message
        : {
            ...message,
            content: message.content.map((part) => (part.type === "tool-call" ? { ...part, args } : part)),
          },
    ),
    decisions: kept.decisions.map((decision) => (isPending(decision) ? { ...decision, args } : decision)),
  };
}

function jsonOf(value: unknown): JsonValue {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as JsonValue);
}

function isPending({ cause }: ToolDecision): boolean {
  return cause.kind === "HITL_PENDING";
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    }),
  ]);
}

/** Plays a plan to its end, as its caller would. */
export async function playLoop(plan: AgentPlan, kept?: string): Promise<AgentOutcome> {
  const chunks: string[] = [];
  const seen: unknown[] = [];
  if (plan.consume === "never") return { status: "left", text: "", chunks, results: [], seen: "" };
  // A program's own state, as it stored it.
  const loop = new CustomLoop(plan, kept === undefined ? undefined : (JSON.parse(kept) as Kept));
  try {
    for await (const item of loop.play()) {
      seen.push(item);
      if (plan.mode.streams && "text" in item) chunks.push(item.text);
      if (plan.consume === "break" && chunks.length > 0) break;
    }
  } catch (error) {
    return { status: "failed", text: "", error, chunks, results: [], seen: JSON.stringify(seen) + String(error) };
  }
  const { paused, messages } = loop;
  const results = messages.flatMap(callerResults);
  const last = messages.at(-1);
  const text = last?.role === "assistant" ? textOf(last) : "";
  const outcome = { text, chunks, results, seen: JSON.stringify(seen) };
  if (plan.consume === "break") return { ...outcome, status: "left" };
  return paused === undefined ? { ...outcome, status: "done" } : { ...outcome, status: "paused", paused };
}

function callerResults({ content }: Message): readonly CallerResult[] {
  if (typeof content === "string") return [];
  return content.flatMap((part): CallerResult[] =>
    part.type === "tool-result"
      ? [
          {
            callId: part.callId,
            tool: part.tool ?? "",
            status: part.isError === true ? "failed" : "done",
            result: part.result,
          },
        ]
      : [],
  );
}
