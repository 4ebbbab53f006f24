/** Whose request it is, and how to end it. */
interface OpenCall {
  readonly keyId: string;
  readonly end: () => void;
}

/** Requests that stay open: streams and held polls. Each ends when its client has gone, its key has, or the server stops. */
export class OpenCalls {
  readonly #open = new Set<OpenCall>();
  #isStopped = false;

  /** `end` may be called at any time, once. @returns a function to call when the request is over. */
  add(keyId: string, end: () => void): () => void {
    const call = { keyId, end };
    if (this.#isStopped) end();
    else this.#open.add(call);
    return () => void this.#open.delete(call);
  }

  /** The keys that hold requests open. */
  keyIds(): ReadonlySet<string> {
    return new Set([...this.#open].map(({ keyId }) => keyId));
  }

  endOf(keyId: string): void {
    this.#end([...this.#open].filter((call) => call.keyId === keyId));
  }

  /** Ends all, and whatever comes later at once. */
  stop(): void {
    this.#isStopped = true;
    this.#end([...this.#open]);
  }

  #end(calls: readonly OpenCall[]): void {
    for (const call of calls) {
      this.#open.delete(call);
      call.end();
    }
  }
}
