import type { Run, Usage } from "@handlebar/core";
import type { Decision, JsonValue, Message, MessagePart, Model } from "@handlebar/protocol";

/** The part of a run that an agent's loop uses. */
export type ScriptedRun = Pick<Run, "afterLlm" | "beforeLlm" | "terminated" | "tool">;

/** One tool call that the scripted model makes. */
export interface ScriptedCall {
  readonly tool: string;
  /** The arguments, or what makes them from what came before. */
  readonly args: JsonValue | ((outcomes: readonly CallOutcome[]) => JsonValue);
  /** Default: `call-1`, `call-2` ... */
  readonly callId?: string | undefined;
}

/** What the scripted model answers to one request. */
export interface ScriptTurn {
  readonly say?: string | undefined;
  readonly calls?: readonly ScriptedCall[] | undefined;
  readonly usage?: Usage | undefined;
}

/** The code of a tool. */
export type ScriptedTool = (args: JsonValue, options: { readonly signal: AbortSignal }) => unknown;

export interface ScriptedAgentOptions {
  readonly script: readonly ScriptTurn[];
  /** By name; a call of one that is not here fails. */
  readonly tools: Readonly<Record<string, ScriptedTool>>;
  readonly system?: string | undefined;
  readonly prompt?: string | undefined;
  readonly model?: Model | undefined;
  /** Whether the calls of one turn run at once. Default true. */
  readonly parallel?: boolean | undefined;
}

/** What became of one call. */
export interface CallOutcome {
  readonly callId: string;
  readonly tool: string;
  /** As the model asked, before policy rewrote them. */
  readonly args: JsonValue;
  /** `failed`: the tool threw. */
  readonly status: "done" | "blocked" | "failed";
  readonly result?: unknown;
  readonly error?: unknown;
  readonly decision?: Decision | undefined;
}

/** What a scripted agent did. */
export interface Transcript {
  /** Everything that was said, as the model would see it. */
  readonly messages: readonly Message[];
  readonly calls: readonly CallOutcome[];
  /** Turns of the script that were taken, the last one possibly in part. */
  readonly turnCount: number;
  readonly stoppedBy: "script" | "terminated" | "model-blocked";
}

/**
 * An agent whose model is a script: each turn is a model request, its answer, and the tool calls it asks for, through the same hooks
 * as a real loop. It stops at the end of the script, when the run is terminated, or when policy blocks the model.
 */
export async function runScriptedAgent(run: ScriptedRun, options: ScriptedAgentOptions): Promise<Transcript> {
  const agent = new Agent(run, options);
  let turnCount = 0;
  for (const turn of options.script) {
    turnCount++;
    const stoppedBy = await agent.take(turn);
    if (stoppedBy !== undefined) return { ...agent.transcript, turnCount, stoppedBy };
  }
  return { ...agent.transcript, turnCount, stoppedBy: "script" };
}

class Agent {
  readonly #run: ScriptedRun;
  readonly #options: ScriptedAgentOptions;
  readonly #messages: Message[] = [];
  readonly #calls: CallOutcome[] = [];
  #callCount = 0;

  constructor(run: ScriptedRun, options: ScriptedAgentOptions) {
    this.#run = run;
    this.#options = options;
    if (options.system !== undefined) this.#messages.push({ role: "system", content: options.system });
    if (options.prompt !== undefined) this.#messages.push({ role: "user", content: options.prompt });
  }

  get transcript(): Pick<Transcript, "messages" | "calls"> {
    return { messages: [...this.#messages], calls: [...this.#calls] };
  }

  /** Takes one turn; answers why the agent has to stop, if it has to. */
  async take(turn: ScriptTurn): Promise<"terminated" | "model-blocked" | undefined> {
    const calls = (turn.calls ?? []).map((call) => this.#propose(call));
    const answer = await this.#askModel(turn, calls);
    if (answer === undefined) return this.#run.terminated ? "terminated" : "model-blocked";
    this.#messages.push(answer);
    const outcomes = await this.#callTools(calls);
    this.#calls.push(...outcomes);
    if (outcomes.length > 0) this.#messages.push({ role: "tool", content: outcomes.map(resultPart) });
    return this.#run.terminated ? "terminated" : undefined;
  }

  async #askModel(turn: ScriptTurn, calls: readonly Proposed[]): Promise<Message | undefined> {
    const { model } = this.#options;
    const before = await this.#run.beforeLlm({ messages: this.#messages, model });
    if (before.verdict === "BLOCK") return undefined;
    const response: Message = { role: "assistant", content: [...textPart(turn.say), ...calls.map(callPart)] };
    const after = await this.#run.afterLlm({ callId: before.callId, response, usage: turn.usage, model });
    return after.verdict === "BLOCK" ? undefined : (after.response ?? response);
  }

  async #callTools(calls: readonly Proposed[]): Promise<readonly CallOutcome[]> {
    if (this.#options.parallel !== false) return Promise.all(calls.map((call) => this.#call(call)));
    const outcomes: CallOutcome[] = [];
    for (const call of calls) outcomes.push(await this.#call(call));
    return outcomes;
  }

  #propose({ tool, args, callId }: ScriptedCall): Proposed {
    this.#callCount++;
    return {
      tool,
      args: typeof args === "function" ? args(this.#calls) : args,
      callId: callId ?? `call-${this.#callCount}`,
    };
  }

  async #call(proposed: Proposed): Promise<CallOutcome> {
    const { tool, args, callId } = proposed;
    try {
      const ran = await this.#run.tool({ name: tool, args, callId }, (given, options) =>
        this.#execute(tool, given, options),
      );
      if (ran.status === "blocked") return { ...proposed, status: "blocked", decision: ran.decision };
      return { ...proposed, status: "done", result: ran.result, decision: ran.decision };
    } catch (error) {
      return { ...proposed, status: "failed", error };
    }
  }

  #execute(tool: string, args: JsonValue, options: { readonly signal: AbortSignal }): unknown {
    const run = Object.hasOwn(this.#options.tools, tool) ? this.#options.tools[tool] : undefined;
    if (run === undefined) throw new Error(`the script calls \`${tool}\`, which is not among the tools`);
    return run(args, options);
  }
}

interface Proposed {
  readonly tool: string;
  readonly args: JsonValue;
  readonly callId: string;
}

function textPart(text: string | undefined): MessagePart[] {
  return text === undefined ? [] : [{ type: "text", text }];
}

function callPart({ tool, args, callId }: Proposed): MessagePart {
  return { type: "tool-call", callId, tool, args };
}

function resultPart({ callId, tool, status, result, error, decision }: CallOutcome): MessagePart {
  const isError = status !== "done";
  const said: unknown = status === "done" ? (result ?? null) : status === "blocked" ? decision?.message : String(error);
  return { type: "tool-result", callId, tool, result: asJson(said), ...(isError ? { isError } : {}) };
}

/** What a model would be shown of a value. */
function asJson(value: unknown): JsonValue {
  try {
    return JSON.parse(JSON.stringify(value) ?? "null");
  } catch {
    return String(value);
  }
}
