import type { JsonObject } from "@handlebar/protocol";

/** The code of the tool that is attacked: it keeps what it was run with, and its first call with `slow: true` waits to be let go. */
export class AttackedTool {
  readonly ran: JsonObject[] = [];
  readonly running: Promise<void>;
  readonly #gate: Promise<void>;
  #start: () => void = () => undefined;
  #open: () => void = () => undefined;
  #hasWaited = false;

  constructor() {
    this.running = new Promise((resolve) => {
      this.#start = resolve;
    });
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  letFinish(): void {
    this.#open();
  }

  async execute(args: JsonObject): Promise<string> {
    this.ran.push(args);
    if (args["slow"] === true && !this.#hasWaited) {
      this.#hasWaited = true;
      this.#start();
      await this.#gate;
    }
    return "sent";
  }
}
