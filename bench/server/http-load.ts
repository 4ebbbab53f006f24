import { Agent, request } from "node:http";

/** What came of one stretch of load. */
export interface LoadFigures {
  readonly perSecond: number;
  /** Of every answer, in milliseconds. */
  readonly latenciesMs: readonly number[];
}

/** Sends requests over connections that stay open, each connection its next one as soon as the one before is answered. */
export class HttpLoad {
  readonly #origin: string;
  readonly #path: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #connectionCount: number;
  readonly #agent: Agent;

  constructor(options: {
    readonly origin: string;
    readonly path: string;
    readonly key?: string | undefined;
    readonly connectionCount: number;
  }) {
    this.#origin = options.origin;
    this.#path = options.path;
    this.#connectionCount = options.connectionCount;
    this.#headers = {
      "content-type": "application/json",
      ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
    };
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.connectionCount });
  }

  /** Sends bodies until there are no more (`undefined`). Every answer must be a 200. */
  async run(nextBody: () => Buffer | undefined): Promise<LoadFigures> {
    const latenciesMs: number[] = [];
    const startedMs = performance.now();
    const connection = async (): Promise<void> => {
      for (let body = nextBody(); body !== undefined; body = nextBody()) {
        const sentMs = performance.now();
        await this.send(body);
        latenciesMs.push(performance.now() - sentMs);
      }
    };
    await Promise.all(Array.from({ length: this.#connectionCount }, connection));
    return { perSecond: (latenciesMs.length / (performance.now() - startedMs)) * 1_000, latenciesMs };
  }

  /** One request; gives the answer's text. */
  send(body: Buffer, method: string = "POST"): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { ...this.#headers, "content-length": body.byteLength };
      const sent = request(`${this.#origin}${this.#path}`, { method, agent: this.#agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${response.statusCode}: ${text}`));
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
