import { type AgentState, agentStateSchema, type LinkMessage } from "@handlebar/protocol";
import type { Runtime, Timer } from "../runtime.ts";
import { serverDelayMs } from "../sinks/retry-delay.ts";
import type { ApiClient } from "./api-client.ts";
import { LINK_TIMES } from "./link-times.ts";
import { readStream } from "./state-stream.ts";
import { Pause } from "./wait.ts";

export interface StateFeedOptions {
  readonly agentId: string;
  readonly signal: AbortSignal;
  readonly revision: () => number | undefined;
  readonly onMessage: (message: LinkMessage) => void;
  readonly onState: (state: AgentState) => void;
  /** The control plane was heard from, or not. */
  readonly onLink: (status: "ready" | "lost" | "refused") => void;
  /** A stream speaks, or has ended. */
  readonly onStreaming: (isStreaming: boolean) => void;
}

type Polled = { readonly ok: true; readonly changed: boolean } | { readonly ok: false; readonly retryAfterMs?: number };

/** How an attempt to stream ended: `blocked` never brought anything although the control plane can be reached. */
type StreamOutcome = "refused" | "blocked" | "long" | "short";

/**
 * Keeps the state current: by a stream, and by long polls whenever no stream speaks, be it refused, lost, or swallowed by
 * something on the way. A stream that cannot be had is tried again every five minutes, beside the polls.
 */
export class StateFeed {
  readonly #runtime: Runtime;
  readonly #api: ApiClient;
  readonly #options: StateFeedOptions;
  readonly #pause: Pause;
  readonly #streamFailuresAtMs: number[] = [];
  #isFetching = false;
  /** Ends the polls that stand in for the stream. */
  #polling: AbortController | undefined;
  /** Starts them when no stream speaks in time. */
  #cover: Timer | undefined;
  /** The last poll was answered. */
  #isPollHealthy = false;
  /** The newest revision that came, be it that it was refused. */
  #seenRevision = -1;

  constructor(runtime: Runtime, api: ApiClient, options: StateFeedOptions) {
    this.#runtime = runtime;
    this.#api = api;
    this.#options = options;
    this.#pause = new Pause(runtime);
  }

  /** Asks for the state at once, beside the stream. */
  fetchNow(): void {
    if (this.#isFetching) return;
    this.#isFetching = true;
    void this.#poll(0, this.#options.signal).finally(() => {
      this.#isFetching = false;
    });
  }

  /** Runs until the signal fires. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    let delayMs = 0;
    while (!signal.aborted) {
      if (this.#streamsFail()) {
        await this.#onlyPoll();
        continue;
      }
      this.#coverSoon();
      const end = await this.#stream();
      if (signal.aborted) break;
      if (end === "refused" || end === "blocked") {
        await this.#onlyPoll();
        continue;
      }
      delayMs = end === "long" ? LINK_TIMES.streamBackoffBaseMs : nextDelay(delayMs);
      if (!this.#isPollHealthy) this.#options.onLink("lost");
      this.#coverSoon();
      await this.#pause.wait(delayMs * (0.5 + this.#runtime.random() / 2), signal);
    }
    this.#stopPolling();
  }

  async #onlyPoll(): Promise<void> {
    this.#startPolling();
    await this.#pause.wait(LINK_TIMES.streamRetryMs, this.#options.signal);
    this.#streamFailuresAtMs.length = 0;
  }

  async #stream(): Promise<StreamOutcome> {
    const { agentId, signal } = this.#options;
    const revision = this.#options.revision();
    const abort = new AbortController();
    const stop = (): void => abort.abort();
    signal.addEventListener("abort", stop);
    const silence = this.#runtime.timers.set(stop, LINK_TIMES.streamBlockedMs);
    let isHeard = false;
    const end = await readStream(this.#runtime, this.#api, {
      path: `/v1/agents/${encodeURIComponent(agentId)}/stream`,
      lastEventId: revision === undefined ? undefined : String(revision),
      silenceMaxMs: LINK_TIMES.streamSilenceMaxMs,
      signal: abort.signal,
      onMessage: (message) => {
        isHeard = true;
        silence.cancel();
        this.#stopPolling();
        this.#api.onContact();
        this.#options.onLink("ready");
        this.#options.onStreaming(true);
        if (message.kind === "state") this.#seen(message.state.revision);
        this.#options.onMessage(message);
      },
    });
    silence.cancel();
    signal.removeEventListener("abort", stop);
    this.#options.onStreaming(false);
    if (end.kind === "refused") return "refused";
    if (!isHeard && abort.signal.aborted && this.#isPollHealthy) return "blocked";
    if (end.kind === "closed" && end.openedMs >= LINK_TIMES.streamHealthyMs) return "long";
    this.#streamFailuresAtMs.push(this.#runtime.clock.monotonicMs());
    return "short";
  }

  #streamsFail(): boolean {
    const sinceMs = this.#runtime.clock.monotonicMs() - LINK_TIMES.streamFailureWindowMs;
    while ((this.#streamFailuresAtMs[0] ?? Infinity) < sinceMs) this.#streamFailuresAtMs.shift();
    return this.#streamFailuresAtMs.length >= LINK_TIMES.streamFailureCountMax;
  }

  /** Polls begin unless a stream speaks soon. */
  #coverSoon(): void {
    if (this.#polling !== undefined || this.#options.signal.aborted) return;
    this.#cover ??= this.#runtime.timers.set(() => this.#startPolling(), LINK_TIMES.streamCoverMs);
  }

  #startPolling(): void {
    this.#cover?.cancel();
    this.#cover = undefined;
    if (this.#polling !== undefined || this.#options.signal.aborted) return;
    this.#polling = new AbortController();
    void this.#pollUntil(this.#polling.signal);
  }

  #stopPolling(): void {
    this.#cover?.cancel();
    this.#cover = undefined;
    this.#polling?.abort();
    this.#polling = undefined;
    this.#isPollHealthy = false;
  }

  async #pollUntil(signal: AbortSignal): Promise<void> {
    const pause = new Pause(this.#runtime);
    let delayMs = 0;
    while (!signal.aborted) {
      const startedMs = this.#runtime.clock.monotonicMs();
      const polled = await this.#poll(LINK_TIMES.longPollSeconds, signal);
      if (signal.aborted) return;
      this.#isPollHealthy = polled.ok;
      const asked = polled.ok ? undefined : polled.retryAfterMs;
      if (polled.ok) {
        // A server that does not hold the request would otherwise be asked in a hot loop.
        const heldMs = this.#runtime.clock.monotonicMs() - startedMs;
        delayMs = heldMs >= 1_000 || polled.changed ? 0 : LINK_TIMES.pollGapMs;
      } else {
        delayMs = asked ?? nextDelay(delayMs);
      }
      // The server's own word is never undercut.
      await pause.wait(asked ?? delayMs * (0.8 + this.#runtime.random() * 0.4), signal);
    }
  }

  async #poll(waitSeconds: number, signal: AbortSignal): Promise<Polled> {
    const { agentId } = this.#options;
    const revision = this.#options.revision();
    const known = Math.max(revision ?? -1, this.#seenRevision);
    const answer = await this.#api.request<AgentState>({
      method: "GET",
      path: `/v1/agents/${encodeURIComponent(agentId)}/state?wait=${waitSeconds}`,
      headers: known < 0 ? {} : { "if-none-match": `"${known}"` },
      schema: agentStateSchema,
      timeoutMs: waitSeconds * 1000 + LINK_TIMES.requestTimeoutMs,
      signal,
    });
    if (answer.ok) {
      this.#options.onLink("ready");
      if (answer.status === 304) return { ok: true, changed: false };
      const isNew = this.#seen(answer.value.revision);
      this.#options.onState(answer.value);
      return { ok: true, changed: isNew };
    }
    if (!signal.aborted) this.#options.onLink(answer.reason === "auth" ? "refused" : "lost");
    if (answer.retryAfterMs === undefined) return { ok: false };
    return {
      ok: false,
      retryAfterMs: serverDelayMs(
        answer.retryAfterMs,
        { backoffBaseMs: LINK_TIMES.streamBackoffBaseMs, retryAfterMaxMs: LINK_TIMES.retryAfterMaxMs },
        this.#runtime.random,
      ),
    };
  }

  #seen(revision: number): boolean {
    const isNew = revision > this.#seenRevision;
    if (isNew) this.#seenRevision = revision;
    return isNew;
  }
}

function nextDelay(delayMs: number): number {
  if (delayMs === 0) return LINK_TIMES.streamBackoffBaseMs;
  return Math.min(LINK_TIMES.streamBackoffMaxMs, delayMs * 2);
}
