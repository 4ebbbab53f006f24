import { HEARTBEAT_SECONDS, STREAM_BUFFER_SIZE_BYTES_MAX } from "../limits.ts";
import type { FrameSink } from "./frame-sink.ts";
import type { ServerRuntime, ServerTimer } from "./server-runtime.ts";

/** One open stream; `topic` is what its owner wants to know of it. */
export class OpenStream<T> {
  readonly topic: T;
  /** @internal */
  readonly sink: FrameSink;
  /** Heartbeats are spread over the seconds between them. @internal */
  readonly slot: number;

  constructor(topic: T, sink: FrameSink, slot: number) {
    this.topic = topic;
    this.sink = sink;
    this.slot = slot;
  }
}

/** Streams that are open, kept alive by heartbeats; a client that does not take what it gets is cut off. */
export class StreamSet<T> {
  readonly #runtime: ServerRuntime;
  readonly #heartbeat: string;
  readonly #streams = new Set<OpenStream<T>>();
  #opened = 0;
  #second = 0;
  #timer: ServerTimer | undefined;
  /** Clients that were cut off since they took too little. */
  cutCount = 0;

  /** `heartbeat` is a whole frame. */
  constructor(runtime: ServerRuntime, heartbeat: string) {
    this.#runtime = runtime;
    this.#heartbeat = heartbeat;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** A copy: streams may come and go while it is walked over. */
  all(): readonly OpenStream<T>[] {
    return [...this.#streams];
  }

  open(topic: T, sink: FrameSink): OpenStream<T> {
    const stream = new OpenStream(topic, sink, this.#opened++ % HEARTBEAT_SECONDS);
    this.#streams.add(stream);
    this.#timer ??= this.#runtime.after(1_000, () => this.#beat());
    return stream;
  }

  /** Sends a frame; false when the stream is closed or was cut off now. */
  send(stream: OpenStream<T>, frame: string | Uint8Array): boolean {
    if (!this.#streams.has(stream)) return false;
    if (stream.sink.waitingSizeBytes > STREAM_BUFFER_SIZE_BYTES_MAX) {
      this.cutCount++;
      this.end(stream);
      return false;
    }
    stream.sink.write(frame);
    return true;
  }

  /** The client has gone: nothing is sent any more. */
  close(stream: OpenStream<T>): void {
    if (!this.#streams.delete(stream) || this.#streams.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Closes it and the connection with it. */
  end(stream: OpenStream<T>): void {
    this.close(stream);
    stream.sink.end();
  }

  endAll(): void {
    for (const stream of this.all()) this.end(stream);
  }

  #beat(): void {
    this.#second = (this.#second + 1) % HEARTBEAT_SECONDS;
    this.#timer = this.#runtime.after(1_000, () => this.#beat());
    for (const stream of this.all()) if (stream.slot === this.#second) this.send(stream, this.#heartbeat);
  }
}
