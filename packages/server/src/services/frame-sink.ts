/** The connection of one client that reads a stream. */
export interface FrameSink {
  /** Sends it, as it is. Does nothing once the connection is gone. */
  write(frame: string | Uint8Array): void;
  /** Bytes that the client has not taken yet. */
  readonly waitingSizeBytes: number;
  /** Ends the connection. Idempotent. */
  end(): void;
}
