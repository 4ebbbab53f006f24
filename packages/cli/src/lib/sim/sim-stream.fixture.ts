import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { BodyWriter } from "@handlebar/testing";

/** Node's response of an event stream whose frames go to a simulated body. */
export class SimStreamResponse extends ServerResponse {
  #writer: BodyWriter | undefined;
  readonly #early: string[] = [];
  #isOver = false;

  constructor() {
    super(new IncomingMessage(new Socket()));
    Object.defineProperty(this, "headersSent", { get: () => this.isStarted });
  }

  /** The server has answered with a stream. */
  isStarted = false;

  override writeHead(): this {
    this.isStarted = true;
    return this;
  }

  override flushHeaders(): void {
    this.isStarted = true;
  }

  override write(chunk: string | Uint8Array): boolean {
    this.isStarted = true;
    const text = typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk);
    if (this.#writer === undefined) this.#early.push(text);
    else this.#writer.write(text);
    return true;
  }

  override end(): this {
    this.#close();
    return this;
  }

  override destroy(): this {
    this.destroyed = true;
    this.#close();
    return this;
  }

  /** Starts sending; what it returns is called when the client has gone. */
  attach(writer: BodyWriter): () => void {
    this.#writer = writer;
    for (const text of this.#early.splice(0)) writer.write(text);
    if (this.#isOver) writer.end();
    return () => this.destroy();
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#writer?.end();
    this.emit("close");
  }
}
