import type { ApprovalAnswer, ApprovalRequest, JsonValue } from "@handlebar/protocol";
import type { ApprovalDesk, ApprovalHandler, ApprovalState } from "./approvals.ts";
import { withDeadline } from "./deadline.ts";
import { fingerprint } from "./fingerprint.ts";
import { LIMITS } from "./limits.ts";
import type { Runtime } from "./runtime.ts";

interface Entry {
  readonly approvalId: string;
  readonly request: ApprovalRequest;
  readonly expiresAtMs: number;
  readonly settled: Promise<void>;
  readonly abort: AbortController;
  answer: ApprovalAnswer | undefined;
}

const DEFAULT_EXPIRY_SECONDS = 3600;

/** Approvals of this process alone, answered by the user's handler. */
export class LocalApprovals implements ApprovalDesk {
  readonly #runtime: Runtime;
  readonly #handler: ApprovalHandler;
  /** The one that stands for each call, by its fingerprint. */
  readonly #byCall = new Map<string, Entry>();
  readonly #byId = new Map<string, Entry>();

  constructor(runtime: Runtime, handler: ApprovalHandler) {
    this.#runtime = runtime;
    this.#handler = handler;
  }

  claim(request: ApprovalRequest): Promise<ApprovalState> {
    const own = this.#byId.get(request.approvalId);
    const held = own ?? this.#byCall.get(request.fingerprint);
    if (held !== undefined && (held === own || !this.#isOver(held))) return Promise.resolve(this.#take(held));
    if (held !== undefined) this.#forget(held);
    return Promise.resolve(this.#stateOf(this.#open(request)));
  }

  async wait(approvalId: string, waitMs: number, signal: AbortSignal): Promise<void> {
    const entry = this.#byId.get(approvalId);
    if (entry !== undefined) await withDeadline(this.#runtime, entry.settled, { timeoutMs: waitMs, signal });
  }

  /** Ends every open question; what is pending stays unanswered. */
  close(): void {
    for (const entry of this.#byId.values()) entry.abort.abort();
    this.#byCall.clear();
    this.#byId.clear();
  }

  #take(entry: Entry): ApprovalState {
    const state = this.#stateOf(entry);
    if (state.status === "approved" || state.status === "expired") this.#forget(entry);
    return state;
  }

  /** An answer with other arguments is an approval of the call that has them, and a denial of the one that was asked about. */
  #edit(entry: Entry, answer: ApprovalAnswer, args: JsonValue): ApprovalAnswer {
    const { request, expiresAtMs } = entry;
    const { agent, tool, actor } = request;
    const bound = fingerprint({ agent, tool, args, actor });
    if (bound === undefined || bound === request.fingerprint) return withoutArgs(answer);
    const approvalId = this.#runtime.newId();
    this.#add({
      approvalId,
      request: { ...request, approvalId, fingerprint: bound, args },
      expiresAtMs,
      settled: Promise.resolve(),
      abort: new AbortController(),
      answer: withoutArgs(answer),
    });
    return { ...answer, status: "denied" };
  }

  #stateOf(entry: Entry): ApprovalState {
    const { approvalId, answer } = entry;
    const expired = answer?.status !== "denied" && this.#isOver(entry);
    if (expired || answer === undefined) return { approvalId, status: expired ? "expired" : "pending" };
    const { status, by, comment, args } = answer;
    return { approvalId, status, by, comment, ...(args === undefined ? {} : { edited: { args } }) };
  }

  #isOver({ expiresAtMs }: Entry): boolean {
    return this.#runtime.clock.nowMs() >= expiresAtMs;
  }

  #open(request: ApprovalRequest): Entry {
    const abort = new AbortController();
    const expiresInMs = (request.terms?.expiresInSeconds ?? DEFAULT_EXPIRY_SECONDS) * 1000;
    const entry: Entry = {
      approvalId: request.approvalId,
      request,
      expiresAtMs: this.#runtime.clock.nowMs() + expiresInMs,
      abort,
      answer: undefined,
      settled: Promise.resolve().then(async () => {
        const answered = await withDeadline(this.#runtime, this.#ask(request, abort.signal), {
          timeoutMs: expiresInMs,
          signal: abort.signal,
        });
        if (answered.ok && answered.value !== undefined) entry.answer = this.#answerOf(entry, answered.value);
        else this.#giveUp(entry);
      }),
    };
    this.#add(entry);
    return entry;
  }

  #answerOf(entry: Entry, answer: ApprovalAnswer): ApprovalAnswer {
    const { status, args } = answer;
    return status === "approved" && args !== undefined ? this.#edit(entry, answer, args) : withoutArgs(answer);
  }

  #add(entry: Entry): void {
    this.#byCall.set(entry.request.fingerprint, entry);
    this.#byId.set(entry.approvalId, entry);
    this.#bound();
  }

  async #ask(request: ApprovalRequest, signal: AbortSignal): Promise<ApprovalAnswer | undefined> {
    try {
      const answer = await this.#handler(request, signal);
      return answer?.status === "approved" || answer?.status === "denied" ? answer : undefined;
    } catch {
      // A handler that failed gave no answer: the call stays held.
      return undefined;
    }
  }

  /** Nobody will answer it: whoever asks next for the same call opens a new one. */
  #giveUp(entry: Entry): void {
    entry.abort.abort();
    const { fingerprint: call } = entry.request;
    if (this.#byCall.get(call) === entry) this.#byCall.delete(call);
  }

  #forget(entry: Entry): void {
    this.#giveUp(entry);
    this.#byId.delete(entry.approvalId);
  }

  #bound(): void {
    while (this.#byId.size > LIMITS.localApprovalCountMax) {
      const [oldest] = this.#byId.values();
      if (oldest === undefined) return;
      this.#forget(oldest);
    }
  }
}

function withoutArgs({ args: _, ...answer }: ApprovalAnswer): ApprovalAnswer {
  return answer;
}
