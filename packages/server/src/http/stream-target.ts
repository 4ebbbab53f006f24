/** What of Node's `ServerResponse` answers that go on for long are written to. */
export interface StreamTarget {
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  /** Bytes that wait to be sent. */
  readonly writableLength: number;
  on(event: "close" | "error", listener: () => void): unknown;
  once(event: "close", listener: () => void): unknown;
  setHeader(name: string, value: string): unknown;
  removeHeader(name: string): void;
  flushHeaders(): void;
  write(frame: string | Uint8Array): boolean;
  end(): unknown;
  destroy(): unknown;
}
