import {
  type Agent,
  type AgentState,
  type CheckAnswer,
  type CheckBody,
  checkAnswerSchema,
  type LinkMessage,
  type Lockdown,
  type RegisterAgentAnswer,
  registerAgentAnswerSchema,
  type Tool,
} from "@handlebar/protocol";
import type { Refusal } from "../applied-state.ts";
import type { ControlPlane, LinkStatus } from "../control-plane.ts";
import { withDeadline } from "../deadline.ts";
import type { Runtime } from "../runtime.ts";
import type { SafeLogger } from "../safe-logger.ts";
import { backoffMs, serverDelayMs } from "../sinks/retry-delay.ts";
import { Acknowledger } from "./acknowledger.ts";
import { ApiClient } from "./api-client.ts";
import { LeaseBook } from "./lease-book.ts";
import { LINK_TIMES } from "./link-times.ts";
import { inLocalTime } from "./local-time.ts";
import { RemoteApprovals } from "./remote-approvals.ts";
import { StateFeed } from "./state-feed.ts";
import { Pause } from "./wait.ts";

export interface ConnectOptions {
  readonly endpoint: string;
  readonly apiKey: string;
  readonly agent: Agent;
  readonly tools: () => readonly Tool[];
  readonly requestTimeoutMs: number;
  readonly runtime: Runtime;
  readonly logger: SafeLogger;
  /** Applies a state; says why where it is refused. */
  readonly onState: (state: AgentState) => Refusal | undefined;
  readonly onLockdowns: (revision: number, lockdowns: readonly Lockdown[]) => void;
  /** The control plane can be reached again: whoever waits to send something need not wait longer. */
  readonly onReady: () => void;
  /** The control plane was heard from. */
  readonly onContact: () => void;
  readonly revision: () => number | undefined;
  /** The stop orders in force here, and the revision with which they came. */
  readonly lockdowns: () => { readonly revision: number; readonly ids: readonly string[] };
  /** Whether they are acted upon. */
  readonly enforceMode: "enforce" | "shadow" | "off";
}

/** Opens the link to a control plane: registers the agent, then keeps its state current until `close`. */
export function connect(options: ConnectOptions): ControlPlane {
  return new Link(options);
}

class Link implements ControlPlane {
  readonly approvals: RemoteApprovals;
  readonly shared: LeaseBook;
  readonly answered: Promise<void>;
  readonly #options: ConnectOptions;
  readonly #runtime: Runtime;
  readonly #api: ApiClient;
  readonly #clientId: string;
  readonly #abort = new AbortController();
  readonly #pause: Pause;
  #markAnswered: () => void = () => undefined;
  #status: LinkStatus = "connecting";
  #contactAtMs = Number.NEGATIVE_INFINITY;
  #agentId: string | undefined;
  /** No tool was added since the registration was last sent. */
  #isRegisteredWhole = true;
  #feed: StateFeed | undefined;
  readonly #acks: Acknowledger;
  /** Why the newest revision of the policies is not in force here. */
  #refused: Refusal | undefined;
  #isLeaving = false;
  /** Messages that need no answer and are under way. */
  readonly #telling = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;

  constructor(options: ConnectOptions) {
    const { runtime, endpoint, apiKey, requestTimeoutMs } = options;
    this.#options = options;
    this.#runtime = runtime;
    this.#clientId = runtime.newId();
    this.#api = new ApiClient(runtime, { endpoint, apiKey, clientId: this.#clientId });
    this.#api.onContact = () => {
      this.#contactAtMs = runtime.clock.monotonicMs();
      options.onContact();
    };
    this.#pause = new Pause(runtime);
    this.approvals = new RemoteApprovals(runtime, this.#api, requestTimeoutMs);
    this.shared = new LeaseBook({
      runtime,
      api: this.#api,
      clientId: this.#clientId,
      agentId: () => this.#agentId,
    });
    this.#acks = new Acknowledger({
      runtime,
      api: this.#api,
      requestTimeoutMs,
      signal: this.#abort.signal,
      message: () => this.#acknowledgement(),
    });
    this.answered = new Promise((resolve) => {
      this.#markAnswered = resolve;
    });
    void this.#run();
  }

  get status(): LinkStatus {
    return this.#status;
  }

  contactAgeMs(): number {
    return this.#runtime.clock.monotonicMs() - this.#contactAtMs;
  }

  async check(body: Omit<CheckBody, "agentId">): Promise<CheckAnswer | undefined> {
    if (this.#agentId === undefined) return undefined;
    const answer = await this.#api.request<CheckAnswer>({
      method: "POST",
      path: "/v1/agents/check",
      body: { agentId: this.#agentId, ...body },
      schema: checkAnswerSchema,
      timeoutMs: this.#options.requestTimeoutMs,
      breaker: "check",
    });
    return answer.ok ? answer.value : undefined;
  }

  registerTools(tools: readonly Tool[]): void {
    this.#isRegisteredWhole = false;
    if (this.#agentId === undefined) return;
    this.#tell("PUT", `/v1/agents/${encodeURIComponent(this.#agentId)}/tools`, { tools });
  }

  runStarted(runId: string, body: object): void {
    this.#tell("POST", `/v1/runs/${encodeURIComponent(runId)}/start`, { agentId: this.#agentRef(), ...body });
  }

  runEnded(runId: string, body: object): void {
    this.#tell("POST", `/v1/runs/${encodeURIComponent(runId)}/end`, { agentId: this.#agentRef(), ...body });
  }

  revisionSeen(revision: number): void {
    if (revision > (this.#options.revision() ?? -1)) this.#feed?.fetchNow();
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      const last = Promise.all([this.shared.close(), this.#leave(), ...this.#telling]);
      await withDeadline(this.#runtime, last, { timeoutMs: LINK_TIMES.closeTimeoutMs });
      this.#abort.abort();
      this.#markAnswered();
    })();
    return this.#closing;
  }

  async #run(): Promise<void> {
    const registered = await this.#register();
    if (registered === undefined) return;
    this.#agentId = registered.agentId;
    if (!this.#isRegisteredWhole) this.registerTools(this.#options.tools());
    this.#applyState(registered.state);
    // Also where nothing changed, as after a start from a kept state: only now does the control plane learn of this client.
    this.#acks.due();
    this.#setStatus("ready");
    this.#feed = new StateFeed(this.#runtime, this.#api, {
      agentId: registered.agentId,
      signal: this.#abort.signal,
      revision: this.#options.revision,
      onMessage: (message) => this.#onMessage(message),
      onState: (state) => this.#applyState(state),
      onLink: (status) => this.#setStatus(status),
      onStreaming: (isStreaming) => this.approvals.streaming(isStreaming),
    });
    await this.#feed.run();
  }

  async #register(): Promise<RegisterAgentAnswer | undefined> {
    const { signal } = this.#abort;
    for (let attempt = 1; !signal.aborted; attempt++) {
      this.#isRegisteredWhole = true;
      const answer = await this.#api.request<RegisterAgentAnswer>({
        method: "PUT",
        path: "/v1/agents",
        body: { ...this.#options.agent, tools: this.#options.tools() },
        schema: registerAgentAnswerSchema,
        timeoutMs: this.#options.requestTimeoutMs,
        signal,
      });
      if (answer.ok) return answer.value;
      if (signal.aborted) return undefined;
      const isRefused = answer.reason === "auth" || answer.reason === "rejected";
      this.#setStatus(isRefused ? "refused" : "connecting");
      if (isRefused) {
        const why =
          answer.problem === undefined ? `status ${answer.status}` : (answer.problem.detail ?? answer.problem.title);
        const code = answer.reason === "auth" ? "HB_API_AUTH" : "HB_API_REJECTED";
        this.#options.logger.warnOnce(code, `${code}: the control plane refused the registration: ${why}`);
      }
      const delayMs = isRefused ? LINK_TIMES.authRetryMs : this.#retryDelayMs(attempt, answer.retryAfterMs);
      await this.#pause.wait(delayMs, signal);
    }
    return undefined;
  }

  #retryDelayMs(attempt: number, retryAfterMs: number | undefined): number {
    const bounds = { backoffBaseMs: LINK_TIMES.registerBackoffBaseMs, backoffMaxMs: LINK_TIMES.registerBackoffMaxMs };
    if (retryAfterMs === undefined) return backoffMs(attempt, bounds, this.#runtime.random);
    const limits = { backoffBaseMs: bounds.backoffBaseMs, retryAfterMaxMs: LINK_TIMES.retryAfterMaxMs };
    return serverDelayMs(retryAfterMs, limits, this.#runtime.random);
  }

  #onMessage(message: LinkMessage): void {
    switch (message.kind) {
      case "state":
        this.#applyState(message.state);
        return;
      case "lockdowns":
        this.#options.onLockdowns(message.revision, this.#inLocalTime(message));
        this.#acks.due();
        return;
      case "approval":
        this.approvals.resolved(message.approval.approvalId);
        return;
      case "lease.recall":
        this.shared.recall(message.leaseId);
        return;
      case "heartbeat":
        return;
    }
  }

  #applyState(state: AgentState): void {
    const before = this.#options.revision();
    const refused = this.#options.onState({ ...state, lockdowns: [...this.#inLocalTime(state)] });
    const isApplied = this.#options.revision() !== before;
    if (refused === undefined && !isApplied) return;
    this.#refused = refused;
    this.#acks.due();
  }

  #inLocalTime(message: Pick<AgentState, "lockdowns" | "serverTimeMs">): readonly Lockdown[] {
    return inLocalTime(message.lockdowns, { serverTimeMs: message.serverTimeMs, nowMs: this.#runtime.clock.nowMs() });
  }

  /** What is in force here; the newest answer stands for all before it. */
  #acknowledgement(): { readonly path: string; readonly body: object } | undefined {
    if (this.#agentId === undefined) return undefined;
    const { revision, lockdowns, enforceMode } = this.#options;
    const { revision: lockdownRevision, ids: lockdownIds } = lockdowns();
    return {
      path: `/v1/agents/${encodeURIComponent(this.#agentId)}/ack`,
      body: {
        clientId: this.#clientId,
        revision: revision() ?? 0,
        lockdownIds,
        lockdownRevision: Math.max(0, lockdownRevision),
        ...(enforceMode === "enforce" ? {} : { enforceMode }),
        ...(this.#refused === undefined ? {} : { refused: this.#refused }),
        ...(this.#isLeaving ? { left: true } : {}),
      },
    };
  }

  /** A client that ends in peace is not waited for any more. */
  async #leave(): Promise<void> {
    if (this.#agentId === undefined || this.#status !== "ready") return;
    this.#isLeaving = true;
    await this.#acks.leave();
  }

  /** Sends what needs no answer, again a few times where the control plane is out of reach. */
  #tell(method: "PUT" | "POST", path: string, body: object): void {
    const telling = this.#tryToTell(method, path, body).finally(() => this.#telling.delete(telling));
    this.#telling.add(telling);
  }

  async #tryToTell(method: "PUT" | "POST", path: string, body: object): Promise<void> {
    if (this.#acks.ahead !== undefined) await this.#acks.ahead;
    for (let attempt = 1; attempt <= TELL_ATTEMPT_COUNT_MAX; attempt++) {
      const timeoutMs = this.#options.requestTimeoutMs;
      const answer = await this.#api.request({ method, path, body, timeoutMs, signal: this.#abort.signal });
      if (answer.ok || answer.reason !== "unreachable" || this.#abort.signal.aborted) return;
      await this.#pause.wait(this.#retryDelayMs(attempt, answer.retryAfterMs), this.#abort.signal);
    }
  }

  #agentRef(): string {
    return this.#agentId ?? this.#options.agent.slug;
  }

  #setStatus(status: LinkStatus): void {
    if (status === "ready" && this.#status !== "ready") {
      this.#options.onReady();
      this.#acks.wake();
    }
    this.#status = status;
    if (status !== "connecting") this.#markAnswered();
  }
}

const TELL_ATTEMPT_COUNT_MAX = 5;
