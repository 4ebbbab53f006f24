import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import type { SeededRandom } from "@handlebar/testing";

/** What may happen to a request that is faulty. */
const FAULTS = ["request lost", "answer lost", "sent twice", "request late", "answer late"] as const;
type Fault = (typeof FAULTS)[number];

/** Longer than a client waits for an answer. */
const LATE_MS_MAX = 2_500;

/** A way to a server that loses, doubles and delays some of what goes through it. */
export interface FaultyProxy {
  readonly origin: string;
  /** Where requests go to; the server may have moved. */
  target: string;
  /** How often each fault was made. */
  readonly counts: ReadonlyMap<Fault, number>;
  close(): Promise<void>;
}

interface Answer {
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

export interface FaultyProxyOptions {
  readonly random: SeededRandom;
  /** Requests whose path matches may be faulty. */
  readonly path: RegExp;
  /** How many of them are, from 0 to 1; one fault is as likely as another. */
  readonly faultShare: number;
}

export async function openFaultyProxy(options: FaultyProxyOptions): Promise<FaultyProxy> {
  const proxy = new HttpProxy(options);
  await proxy.listen();
  return proxy;
}

class HttpProxy implements FaultyProxy {
  origin = "";
  target = "";
  readonly counts = new Map<Fault, number>();
  readonly #random: SeededRandom;
  readonly #path: RegExp;
  readonly #faultShare: number;
  readonly #server = createServer((incoming, outgoing) => {
    // Whatever goes wrong is a connection that breaks.
    this.#handle(incoming, outgoing).catch(() => outgoing.destroy());
  });

  constructor({ random, path, faultShare }: FaultyProxyOptions) {
    this.#random = random;
    this.#path = path;
    this.#faultShare = faultShare;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port is free");
    this.origin = `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    if (this.#path.test(incoming.url ?? "")) await this.#handleFaulty(incoming, body, outgoing);
    else await this.#pass(incoming, body, outgoing);
  }

  async #handleFaulty(incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): Promise<void> {
    const fault = this.#draw();
    const lateMs = this.#random.int(1, LATE_MS_MAX);
    if (fault === "request lost") {
      outgoing.destroy();
      return;
    }
    if (fault === "request late") await later(lateMs);
    const answers = [this.#answer(incoming, body)];
    if (fault === "sent twice") answers.push(this.#answer(incoming, body));
    const [answer] = await Promise.all(answers);
    if (answer === undefined || fault === "answer lost") {
      outgoing.destroy();
      return;
    }
    if (fault === "answer late") await later(lateMs);
    outgoing.writeHead(answer.response.statusCode ?? 502, answer.response.headers).end(answer.body);
  }

  #draw(): Fault | undefined {
    if (!this.#random.chance(this.#faultShare)) return undefined;
    const fault = this.#random.pick(FAULTS);
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    return fault;
  }

  async #answer(incoming: IncomingMessage, body: Buffer): Promise<Answer> {
    const response = await this.#send(incoming, body);
    return { response, body: await buffer(response) };
  }

  /** Passes a request on as it is, and its answer as it comes. */
  async #pass(incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): Promise<void> {
    const response = await this.#send(incoming, body, outgoing);
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    response.on("error", () => outgoing.destroy()).on("aborted", () => outgoing.destroy());
    response.pipe(outgoing);
  }

  /** @param outgoing where the answer goes to: once that is closed nobody waits for one. */
  #send(incoming: IncomingMessage, body: Buffer, outgoing?: ServerResponse): Promise<IncomingMessage> {
    const { method = "GET", url = "/", headers } = incoming;
    return new Promise((resolve, reject) => {
      const sent = request(new URL(url, this.target), { method, headers, agent: false }, resolve);
      sent.on("error", reject);
      outgoing?.on("close", () => sent.destroy());
      sent.end(body);
    });
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
