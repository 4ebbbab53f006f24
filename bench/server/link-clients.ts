import { Agent, get, request } from "node:http";

/** Many clients of the live link in one process, each on a connection of its own. */
export class LinkClients {
  readonly #origin: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32 });
  readonly #close: (() => void)[] = [];
  /** Told of every message with a revision: which client got it, and what. */
  onState: (client: number, text: string) => void = () => undefined;

  constructor(origin: string, apiKey: string) {
    this.#origin = origin;
    this.#headers = { authorization: `Bearer ${apiKey}` };
  }

  /** Resolves when each of them has its first message. */
  async open(path: string, count: number): Promise<void> {
    for (let at = 0; at < count; at += 50) {
      await Promise.all(Array.from({ length: Math.min(50, count - at) }, (_, more) => this.#stream(path, at + more)));
    }
  }

  close(): void {
    for (const close of this.#close) close();
    this.#agent.destroy();
  }

  send(method: string, path: string, body: unknown): Promise<string> {
    const text = JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const headers = {
        ...this.#headers,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
      };
      const sent = request(`${this.#origin}${path}`, { method, headers, agent: this.#agent }, (response) => {
        let answer = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          answer += part;
        });
        response.on("end", () => {
          if ((response.statusCode ?? 500) < 300) resolve(answer);
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${answer}`));
        });
      });
      sent.on("error", reject);
      sent.end(text);
    });
  }

  #stream(path: string, client: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = { ...this.#headers, accept: "text/event-stream" };
      const opened = get(`${this.#origin}${path}`, { headers, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
          for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
            const message = text.slice(0, end);
            text = text.slice(end + 2);
            resolve();
            if (!message.startsWith("event: heartbeat")) this.onState(client, message);
          }
        });
      });
      opened.on("error", reject);
      this.#close.push(() => opened.destroy());
    });
  }
}
