import { Agent, get, request } from "node:http";
import { machineMs } from "./crew.ts";
import { type ClientRound, emptyRound } from "./lockdown-round.ts";

/** The least that clients of a link can be: each answers what it gets with a small request. Asked as the agents are. */
const [origin = "", way = "stream", countText = "1"] = process.argv.slice(2);

const requests = new Agent({ keepAlive: true });

class BareClient {
  #round = emptyRound();
  #onAnswered: () => void = () => undefined;

  /** Resolves when it hears. */
  open(): Promise<void> {
    if (way === "poll") {
      this.#poll();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      get(`${origin}/stream`, { agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
          for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
            if (!text.startsWith("event: heartbeat")) this.#heard();
            text = text.slice(end + 2);
          }
          resolve();
        });
      });
    });
  }

  begin(): void {
    this.#round = emptyRound();
  }

  /** Resolves when its answer was answered. */
  obeying(): Promise<void> {
    if (this.#round.ackAnsweredMs !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onAnswered = resolve;
    });
  }

  get round(): ClientRound {
    return this.#round;
  }

  #poll(): void {
    get(`${origin}/poll`, { agent: requests }, (response) => {
      response.resume().on("end", () => {
        this.#heard();
        this.#poll();
      });
    });
  }

  #heard(): void {
    const text = JSON.stringify({ clientId: "c", revision: 1, lockdownIds: ["l"] });
    const round = this.#round;
    round.ackSentMs = machineMs();
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    const sent = request(`${origin}/ack`, { method: "POST", headers, agent: requests }, (response) => {
      response.resume().on("end", () => {
        round.ackAnsweredMs = machineMs();
        this.#onAnswered();
      });
    });
    sent.end(text);
  }
}

const clients = Array.from({ length: Number(countText) }, () => new BareClient());
await Promise.all(clients.map((client) => client.open()));
process.send?.("ready");
process.on("message", async (question) => {
  if (question === "running") for (const client of clients) client.begin();
  if (question === "obeying") await Promise.all(clients.map((client) => client.obeying()));
  process.send?.(question === "round" ? clients.map(({ round }) => round) : question);
});
process.on("disconnect", () => process.exit(0));
