import { type AgentState, agentStateSchema, type LinkMessage } from "@handlebar/protocol";
import type { Runtime } from "../runtime.ts";
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
}

/**
 * Keeps the state current: a stream, and long polling in its place where a stream cannot be had. A stream is tried again
 * every five minutes.
 */
export class StateFeed {
  readonly #runtime: Runtime;
  readonly #api: ApiClient;
  readonly #options: StateFeedOptions;
  readonly #pause: Pause;
  readonly #streamFailuresAtMs: number[] = [];
  #isPollNow = false;

  constructor(runtime: Runtime, api: ApiClient, options: StateFeedOptions) {
    this.#runtime = runtime;
    this.#api = api;
    this.#options = options;
    this.#pause = new Pause(runtime);
  }

  /** Asks for the state at once, beside the stream. */
  fetchNow(): void {
    if (this.#isPollNow) return;
    this.#isPollNow = true;
    void this.#poll(0).finally(() => {
      this.#isPollNow = false;
    });
  }

  /** Runs until the signal fires. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    let delayMs = 0;
    while (!signal.aborted) {
      if (this.#streamsFail()) {
        await this.#pollFor(LINK_TIMES.streamRetryMs);
        this.#streamFailuresAtMs.length = 0;
        continue;
      }
      const end = await this.#stream();
      if (signal.aborted) return;
      if (end === "refused") {
        await this.#pollFor(LINK_TIMES.streamRetryMs);
        continue;
      }
      delayMs = end === "long" ? LINK_TIMES.streamBackoffBaseMs : nextDelay(delayMs);
      this.#options.onLink("lost");
      await this.#pause.wait(delayMs * (0.5 + this.#runtime.random() / 2), signal);
    }
  }

  async #stream(): Promise<"refused" | "long" | "short"> {
    const { agentId, signal } = this.#options;
    const revision = this.#options.revision();
    const end = await readStream(this.#runtime, this.#api, {
      path: `/v1/agents/${encodeURIComponent(agentId)}/stream`,
      lastEventId: revision === undefined ? undefined : String(revision),
      silenceMaxMs: LINK_TIMES.streamSilenceMaxMs,
      signal,
      onMessage: (message) => {
        this.#api.onContact();
        this.#options.onLink("ready");
        this.#options.onMessage(message);
      },
    });
    if (end.kind === "refused") return "refused";
    if (end.kind === "closed" && end.openedMs >= LINK_TIMES.streamHealthyMs) return "long";
    this.#streamFailuresAtMs.push(this.#runtime.clock.monotonicMs());
    return "short";
  }

  #streamsFail(): boolean {
    const sinceMs = this.#runtime.clock.monotonicMs() - LINK_TIMES.streamFailureWindowMs;
    while ((this.#streamFailuresAtMs[0] ?? Infinity) < sinceMs) this.#streamFailuresAtMs.shift();
    return this.#streamFailuresAtMs.length >= LINK_TIMES.streamFailureCountMax;
  }

  async #pollFor(durationMs: number): Promise<void> {
    const { signal } = this.#options;
    const untilMs = this.#runtime.clock.monotonicMs() + durationMs;
    let delayMs = 0;
    while (!signal.aborted && this.#runtime.clock.monotonicMs() < untilMs) {
      const startedMs = this.#runtime.clock.monotonicMs();
      const polled = await this.#poll(LINK_TIMES.longPollSeconds);
      const asked = polled.ok ? undefined : polled.retryAfterMs;
      if (polled.ok) {
        // A server that does not hold the request would otherwise be asked in a hot loop.
        const heldMs = this.#runtime.clock.monotonicMs() - startedMs;
        delayMs = heldMs >= 1_000 || polled.changed ? 0 : LINK_TIMES.pollGapMs;
      } else {
        delayMs = asked ?? nextDelay(delayMs);
      }
      // The server's own word is never undercut.
      await this.#pause.wait(asked ?? delayMs * (0.8 + this.#runtime.random() * 0.4), signal);
    }
  }

  async #poll(
    waitSeconds: number,
  ): Promise<
    { readonly ok: true; readonly changed: boolean } | { readonly ok: false; readonly retryAfterMs?: number }
  > {
    const { agentId, signal } = this.#options;
    const revision = this.#options.revision();
    const answer = await this.#api.request<AgentState>({
      method: "GET",
      path: `/v1/agents/${encodeURIComponent(agentId)}/state?wait=${waitSeconds}`,
      headers: revision === undefined ? {} : { "if-none-match": `"${revision}"` },
      schema: agentStateSchema,
      timeoutMs: waitSeconds * 1000 + LINK_TIMES.requestTimeoutMs,
      signal,
    });
    if (answer.ok) {
      this.#options.onLink("ready");
      if (answer.status !== 304) this.#options.onState(answer.value);
      return { ok: true, changed: answer.status !== 304 };
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
}

function nextDelay(delayMs: number): number {
  if (delayMs === 0) return LINK_TIMES.streamBackoffBaseMs;
  return Math.min(LINK_TIMES.streamBackoffMaxMs, delayMs * 2);
}
