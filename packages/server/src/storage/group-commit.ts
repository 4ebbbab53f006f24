import { HandlebarError } from "@handlebar/protocol";

/** Commits of one transaction are shared by whoever comes at the same time. */
export interface GroupCommitOptions<T, R> {
  /** Does all of them in one transaction; one answer each, in order. */
  readonly commit: (items: readonly T[]) => Promise<readonly R[]>;
  /** What one transaction takes at most; an item that is larger goes alone. */
  readonly sizeMax: number;
  readonly sizeOf: (item: T) => number;
  /** Transactions under way at a time. */
  readonly underWayMax: number;
  /**
   * Turns of the event loop in which nothing new came before a transaction begins; none by default. For a commit that blocks the loop: a turn takes one
   * new connection, so that a commit in every turn would serve a burst of them one by one.
   */
  readonly quietTurnCount?: number | undefined;
  /** Whether an error says that nothing can be committed now, whatever it is. Default: `HB_STORE_UNAVAILABLE`. */
  readonly isAway?: ((error: unknown) => boolean) | undefined;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly size: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects what comes while a transaction is under way, or within one turn of the event loop, into the next transaction. */
export class GroupCommit<T, R> {
  readonly #options: GroupCommitOptions<T, R>;
  #waiting: Waiting<T, R>[] = [];
  #underWay = 0;
  #isScheduled = false;
  #idle: (() => void)[] = [];

  constructor(options: GroupCommitOptions<T, R>) {
    this.#options = options;
  }

  /**
   * Resolves once it is committed. When a shared transaction fails, each of it is tried alone, so that only what cannot be done rejects; all of it rejects
   * at once while the database is away.
   */
  submit(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, size: this.#options.sizeOf(item), resolve, reject });
      this.#schedule();
    });
  }

  /** Resolves once nothing waits and nothing is under way. */
  async idle(): Promise<void> {
    while (this.#waiting.length > 0 || this.#underWay > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0 || this.#underWay >= this.#options.underWayMax) return;
    this.#isScheduled = true;
    this.#gather(() => {
      this.#isScheduled = false;
      const batch = this.#take();
      this.#schedule();
      void this.#commit(batch);
    });
  }

  #gather(done: () => void): void {
    const { quietTurnCount = 0, sizeMax } = this.#options;
    let seenCount = this.#waiting.length;
    let quietCount = 0;
    let turnCount = 0;
    const turn = (): void => {
      const count = this.#waiting.length;
      quietCount = count === seenCount ? quietCount + 1 : 0;
      seenCount = count;
      turnCount += 1;
      if (quietCount >= quietTurnCount || turnCount >= GATHER_TURN_COUNT_MAX || count >= sizeMax) done();
      else setImmediate(turn);
    };
    setImmediate(turn);
  }

  #take(): readonly Waiting<T, R>[] {
    let size = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count > 0 && size + waiting.size > this.#options.sizeMax) break;
      size += waiting.size;
      count += 1;
    }
    this.#underWay += 1;
    return this.#waiting.splice(0, count);
  }

  async #commit(batch: readonly Waiting<T, R>[]): Promise<void> {
    await this.#attempt(batch);
    this.#underWay -= 1;
    this.#schedule();
    const idle = this.#idle;
    this.#idle = [];
    for (const wake of idle) wake();
  }

  async #attempt(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.#options.commit(batch.map(({ item }) => item));
      for (const [at, result] of results.entries()) batch[at]?.resolve(result);
    } catch (error) {
      const { isAway = isUnavailable } = this.#options;
      if (isAway(error) || batch.length === 1) for (const one of batch) one.reject(error);
      else for (const one of batch) await this.#attempt([one]);
    }
  }
}

/** However much comes. */
const GATHER_TURN_COUNT_MAX = 256;

function isUnavailable(error: unknown): boolean {
  return HandlebarError.is(error) && error.code === "HB_STORE_UNAVAILABLE";
}
