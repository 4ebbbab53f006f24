import type { Server, ServerResponse } from "node:http";

/** Answers that are not wholly sent: what a stop must wait for. A handler that has returned is no proof that its answer has left. */
export class OpenResponses {
  readonly #open = new Set<ServerResponse>();
  #onIdle: (() => void) | undefined;

  /** Follows every answer of a server. */
  follow(server: Server): void {
    server.on("request", (_request, response) => {
      this.#open.add(response);
      response.once("close", () => {
        this.#open.delete(response);
        if (this.#open.size === 0) this.#onIdle?.();
      });
    });
  }

  /** Resolves when every answer has been sent, or its client has gone. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#open.size === 0) resolve();
      else this.#onIdle = resolve;
    });
  }
}
