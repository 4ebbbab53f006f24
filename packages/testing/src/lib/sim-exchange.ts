import type { Runtime, Timer } from "@handlebar/core";
import { drawMs, type MsRange, type NetworkFault } from "./network-fault.ts";
import type { OpenRecord } from "./recorded-request.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimHandler, SimRequest, SimResponse } from "./sim-http.ts";
import { TimedBody } from "./timed-body.ts";

/** Bodies that are being streamed. */
export type OpenBodies = Set<TimedBody>;

export interface ExchangeOptions {
  readonly clock: Pick<Runtime, "clock" | "timers">;
  readonly random: SeededRandom;
  readonly latencyMs: MsRange;
  readonly request: SimRequest;
  readonly record: OpenRecord;
  readonly faults: readonly NetworkFault[];
  readonly handler: SimHandler | undefined;
  readonly signal: AbortSignal | undefined;
  readonly refusesRedirects: boolean;
  readonly bodies: OpenBodies;
  readonly elapsedMs: () => number;
}

/** What `fetch` rejects with when a connection fails. */
export function networkError(code: string): TypeError {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
}

/** Carries one request to its handler and the answer back. */
export function exchange(options: ExchangeOptions): Promise<Response> {
  return new Exchange(options).run();
}

const NULL_BODY_STATUSES = new Set([101, 204, 205, 304]);
const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);
const PORTAL_PAGE = "<!doctype html><title>Welcome</title><h1>Please sign in to this network</h1>";

class Exchange {
  readonly #options: ExchangeOptions;
  readonly #gone = new AbortController();
  #resolve: (response: Response) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  readonly #timers = new Set<Timer>();
  #body: TimedBody | undefined;
  #isSettled = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  run(): Promise<Response> {
    const { signal } = this.#options;
    return new Promise<Response>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      if (signal?.aborted === true) {
        this.#abort();
        return;
      }
      signal?.addEventListener("abort", () => this.#abort(), { once: true });
      this.#send();
    });
  }

  #send(): void {
    const { faults, handler } = this.#options;
    const delayMs = faults.reduce((sum, fault) => (fault.kind === "delay" ? sum + this.#draw(fault.ms) : sum), 0);
    this.#later(delayMs + this.#latency(), () => {
      // What the client gave up on its way has never left.
      if (this.#isSettled) return;
      if (handler === undefined || this.#has("drop")) this.#fail(networkError("ECONNREFUSED"));
      else this.#arrive(handler);
    });
  }

  #arrive(handler: SimHandler): void {
    const { faults } = this.#options;
    const before = faults.find((fault) => isBefore(fault));
    if (before !== undefined) {
      const made = synthetic(before);
      if (made !== undefined) this.#answer(made);
      return;
    }
    const first = this.#deliver(handler);
    if (this.#has("duplicate")) {
      this.#options.clock.timers.set(() => void this.#deliver(handler), this.#latency());
    }
    void first.then((response) => {
      if (this.#isSettled) return;
      if (this.#has("reset")) this.#later(this.#latency(), () => this.#fail(networkError("ECONNRESET")));
      else if (this.#has("hang")) return;
      else this.#answer(faults.map(synthetic).find((made) => made !== undefined) ?? response);
    });
  }

  async #deliver(handler: SimHandler): Promise<SimResponse> {
    const { request, record } = this.#options;
    record.deliveredCount++;
    try {
      return await handler({ ...request, signal: this.#gone.signal });
    } catch (error) {
      return { status: 500, headers: { "content-type": "text/plain" }, body: String(error) };
    }
  }

  #answer(response: SimResponse): void {
    const { record, refusesRedirects } = this.#options;
    this.#later(this.#latency(), () => {
      if (this.#isSettled) return;
      if (refusesRedirects && REDIRECT_STATUSES.has(response.status)) {
        this.#fail(new TypeError("fetch failed", { cause: new Error("unexpected redirect") }));
        return;
      }
      record.status = response.status;
      this.#settle("answered");
      const headers = { ...response.headers };
      this.#resolve(new Response(this.#bodyOf(response), { status: response.status, headers }));
    });
  }

  #bodyOf(response: SimResponse): BodyInit | null {
    const { faults } = this.#options;
    if (NULL_BODY_STATUSES.has(response.status) || response.body === undefined) return null;
    const slow = faults.find((fault) => fault.kind === "slowBody");
    const cut = faults.find((fault) => fault.kind === "cutBody");
    if (typeof response.body !== "function" && slow === undefined && cut === undefined) return response.body;
    const body = this.#openBody();
    if (cut?.afterMs !== undefined) body.fail(networkError("ECONNRESET"), this.#draw(cut.afterMs));
    if (typeof response.body === "function") this.#stream(body, response.body);
    else this.#pieces(body, bytesOf(response.body), { slow, cutAfterBytes: cut?.afterBytes });
    return body.stream;
  }

  #openBody(): TimedBody {
    const { clock, bodies } = this.#options;
    const body = new TimedBody(clock, () => {
      bodies.delete(body);
      this.#gone.abort();
    });
    bodies.add(body);
    this.#body = body;
    return body;
  }

  #stream(body: TimedBody, start: (writer: { write(text: string): boolean; end(): void }) => () => void): void {
    const encoder = new TextEncoder();
    const stop = start({
      write: (text) => {
        body.push(encoder.encode(text), this.#latency());
        return !body.isEnded;
      },
      end: () => body.end(this.#latency()),
    });
    if (this.#gone.signal.aborted) stop();
    else this.#gone.signal.addEventListener("abort", stop, { once: true });
  }

  #pieces(
    body: TimedBody,
    bytes: Uint8Array,
    how: {
      readonly slow: Extract<NetworkFault, { readonly kind: "slowBody" }> | undefined;
      readonly cutAfterBytes: number | undefined;
    },
  ): void {
    const { slow } = how;
    const sent = how.cutAfterBytes === undefined ? bytes : bytes.subarray(0, how.cutAfterBytes);
    const size = Math.max(1, Math.ceil(sent.length / (slow?.pieceCount ?? 1)));
    let delayMs = 0;
    for (let start = 0; start < sent.length; start += size) {
      delayMs += slow === undefined ? 0 : this.#draw(slow.everyMs);
      body.push(sent.subarray(start, start + size), delayMs);
    }
    if (how.cutAfterBytes === undefined) body.end(delayMs);
    else body.fail(networkError("ECONNRESET"), delayMs);
  }

  #abort(): void {
    const { signal } = this.#options;
    const reason: unknown = signal?.reason ?? new DOMException("This operation was aborted", "AbortError");
    if (!this.#isSettled) {
      this.#settle("aborted");
      this.#reject(reason);
    }
    this.#body?.fail(reason);
    this.#gone.abort();
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#settle("failed");
    this.#reject(error);
    this.#gone.abort();
  }

  #settle(outcome: OpenRecord["outcome"]): void {
    const { record, elapsedMs } = this.#options;
    this.#isSettled = true;
    record.outcome = outcome;
    record.endedAtMs = elapsedMs();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #later(delayMs: number, run: () => void): void {
    const timer = this.#options.clock.timers.set(() => {
      this.#timers.delete(timer);
      run();
    }, delayMs);
    this.#timers.add(timer);
  }

  #has(kind: NetworkFault["kind"]): boolean {
    return this.#options.faults.some((fault) => fault.kind === kind);
  }

  #latency(): number {
    return this.#draw(this.#options.latencyMs);
  }

  #draw(range: MsRange): number {
    return drawMs(range, this.#options.random);
  }
}

/** Whether a fault keeps the request from its handler. */
function isBefore(fault: NetworkFault): boolean {
  if (fault.kind === "garbage") return true;
  return (fault.kind === "status" || fault.kind === "hang") && fault.delivered !== true;
}

/** The answer that something between client and server gives. */
function synthetic(fault: NetworkFault): SimResponse | undefined {
  if (fault.kind === "garbage") return { status: 200, headers: { "content-type": "text/html" }, body: PORTAL_PAGE };
  if (fault.kind !== "status") return undefined;
  const { status, retryAfter, body = "" } = fault;
  const headers = {
    "content-type": "text/plain",
    ...(retryAfter === undefined ? {} : { "retry-after": `${retryAfter}` }),
  };
  return { status, headers, body };
}

function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}
