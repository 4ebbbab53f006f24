import { createHash } from "node:crypto";
import {
  budgetKeyText,
  type SharedAdd,
  type SharedNeed,
  type SharedReading,
  type SharedReadings,
} from "@handlebar/engine";
import { HandlebarError, type Policy } from "@handlebar/protocol";
import { RESERVATION_COUNT_MAX, RESERVATION_TTL_MS } from "../limits.ts";
import type { BudgetLimit, BudgetOperation, BudgetsTable } from "../storage/budgets-table.ts";
import type { Store } from "../storage/store.ts";
import { holdsEstimate, spendLimitOf } from "./budget-limits.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import { StateBook, type StateKey } from "./state-book.ts";

export interface SharedWindowsDeps {
  readonly store: Pick<Store, "kind" | "budgets" | "runStates">;
  readonly runtime: Pick<ServerRuntime, "nowMs">;
}

interface Parts {
  readonly budgets: Pick<BudgetsTable, "apply" | "read">;
  /** Windows that cannot be leased, each as a state of its own. */
  readonly states: Pick<StateBook, "use">;
  readonly runtime: Pick<ServerRuntime, "nowMs">;
}

/** One call that reads and changes windows. */
export interface WindowCall {
  readonly workspaceId: string;
  /** Makes everything that is done for the call happen once, however often it is tried. */
  readonly operationId: string;
  readonly policies: readonly Policy[];
}

/** The windows of one call. What is done for it twice counts once. */
export interface SharedCall {
  /** Everything that was named, as it is now; `undefined` where it cannot be read. */
  read(needs: readonly SharedNeed[]): Promise<SharedReadings | undefined>;
  /**
   * Takes what a call that is let through adds, where there is room for all of it. False means that some window's room went to another call
   * meanwhile; what was taken of other windows stays taken, which is never too little.
   */
  take(adds: readonly SharedAdd[], reservationId: string): Promise<boolean>;
  /** Counts what a call adds whether there is room or not: it is let through for other reasons, or has been made. */
  add(adds: readonly SharedAdd[], reservationId: string): Promise<void>;
}

/** Windows that reach beyond one run, as decisions of this server read and change them: the same that clients lease. */
export class SharedWindows {
  readonly #parts: Parts;
  /** Leases of calls in flight by call and window, so that of two calls of one id each has its own. */
  readonly #reserved = new Map<string, string[]>();

  constructor({ store, runtime }: SharedWindowsDeps) {
    const states = new StateBook({
      table: store.runStates,
      isSoleWriter: store.kind === "sqlite",
      runtime,
      begin: () => Promise.resolve({ startedAtMs: runtime.nowMs() }),
    });
    this.#parts = { budgets: store.budgets, states, runtime };
  }

  open(call: WindowCall): SharedCall {
    return new CallWindows(this.#parts, this.#reserved, call);
  }
}

class CallWindows implements SharedCall {
  readonly #parts: Parts;
  readonly #reserved: Map<string, string[]>;
  readonly #call: WindowCall;
  /** Leases that were chosen for this call, by window. */
  readonly #leaseIds = new Map<string, string>();
  /** Windows in which the call is counted. */
  readonly #counted = new Set<string>();
  /** What the call took of windows, by window: for its own decision, should it be made again, that is not there yet. */
  readonly #taken = new Map<string, number>();
  /** Times that something had no room: what was refused once stays refused under its id. */
  #refusedCount = 0;

  constructor(parts: Parts, reserved: Map<string, string[]>, call: WindowCall) {
    this.#parts = parts;
    this.#reserved = reserved;
    this.#call = call;
  }

  async read(needs: readonly SharedNeed[]): Promise<SharedReadings | undefined> {
    try {
      return await this.#read(needs);
    } catch (error) {
      if (HandlebarError.is(error) && error.code === "HB_STORE_UNAVAILABLE") return undefined;
      throw error;
    }
  }

  async #read(needs: readonly SharedNeed[]): Promise<SharedReadings> {
    const readings = new Map<string, SharedReading>();
    const sums = needs.filter(isAdded);
    const budgets = sums.map((need) => ({ keyText: budgetKeyText(need.key), limit: limitOf(need) }));
    const used = sums.length === 0 ? [] : await this.#parts.budgets.read(this.#call.workspaceId, budgets);
    for (const [at, { key, metric }] of sums.entries()) {
      const keyText = budgetKeyText(key);
      const { used: whole = 0, resetAtMs } = used[at] ?? {};
      // When a count falls is known; when a sum falls far enough is not.
      const isKnown = metric === CALLS_METRIC && resetAtMs !== undefined;
      const value = whole - (this.#taken.get(keyText) ?? 0);
      readings.set(keyText, { value, ...(isKnown ? { resetAtMs } : {}) });
    }
    for (const need of needs) {
      if (isAdded(need)) continue;
      const keyText = budgetKeyText(need.key);
      const value = await this.#parts.states.use(this.#stateKey(keyText), ({ state }) =>
        Promise.resolve(state.windows.read({ key: keyText, windowMs: need.windowMs }, this.#nowMs(), need.aggregate)),
      );
      if (value !== undefined) readings.set(keyText, { value });
    }
    return { read: ({ key }) => readings.get(budgetKeyText(key)) };
  }

  async take(adds: readonly SharedAdd[], reservationId: string): Promise<boolean> {
    const limited = adds.flatMap((add) => {
      const limit = this.#isCounted(add) ? undefined : spendLimitOf(this.#call.policies, add.key);
      return limit === undefined ? [] : [{ add, operation: { ...this.#takeOf(add, reservationId), limit } }];
    });
    const results = await this.#apply(limited.map(({ operation }) => operation));
    const isTaken = limited.map(({ operation }, at) => (results[at]?.granted ?? 0) >= operation.amount);
    const isWhole = !isTaken.includes(false);
    for (const [at, { add }] of limited.entries()) {
      if (isTaken[at] !== true || (!isWhole && add.kind === "reserve")) continue;
      this.#counted.add(budgetKeyText(add.key));
      this.#taken.set(budgetKeyText(add.key), add.amount);
    }
    if (isWhole) {
      await this.add(adds, reservationId);
      return true;
    }
    const reserved = limited.filter(({ operation }) => operation.op === "request");
    await this.#apply(reserved.map(({ operation }) => ({ ...operation, op: "return" })));
    for (const { add } of reserved) this.#drop(add, reservationId);
    this.#refusedCount += 1;
    return false;
  }

  async add(adds: readonly SharedAdd[], reservationId: string): Promise<void> {
    const open = adds.filter((add) => !this.#isCounted(add));
    await this.#apply(open.filter(isAdded).flatMap((add) => this.#reportsOf(add, reservationId)));
    for (const add of open) {
      const keyText = budgetKeyText(add.key);
      if (!isAdded(add)) await this.#addToState(add, keyText);
      this.#counted.add(keyText);
    }
  }

  #isCounted({ key }: SharedAdd): boolean {
    return this.#counted.has(budgetKeyText(key));
  }

  #addToState({ kind, amount, windowMs }: SharedAdd, keyText: string): Promise<void> {
    return this.#parts.states.use(this.#stateKey(keyText), ({ state, touch }) => {
      state.windows.apply({ key: keyText, windowMs }, this.#call.operationId, { kind, amount, atMs: this.#nowMs() });
      touch();
      return Promise.resolve();
    });
  }

  async #apply(operations: readonly BudgetOperation[]): Promise<readonly { readonly granted: number }[]> {
    if (operations.length === 0) return [];
    return this.#parts.budgets.apply(this.#call.workspaceId, operations, RESERVATION_TTL_MS);
  }

  #takeOf(add: SharedAdd, reservationId: string): BudgetOperation {
    const base = this.#operationOf(add);
    if (add.kind !== "reserve") return { ...base, op: "spend" };
    return { ...base, op: "request", leaseId: this.#reserve(add, reservationId) };
  }

  #reportsOf(add: SharedAdd, reservationId: string): readonly BudgetOperation[] {
    const report: BudgetOperation = { ...this.#operationOf(add), op: "return", amount: 0, spent: add.amount };
    if (add.kind === "add") return [report];
    // An estimate without room for it counts as spent.
    if (add.kind === "reserve") return [{ ...report, op: "settle", leaseId: this.#reserve(add, reservationId) }];
    const isHeld = holdsEstimate(this.#call.policies, add.key);
    const given = isHeld ? [{ ...report, leaseId: this.#release(add, reservationId), spent: 0 }] : [];
    // What it came to is counted by itself: ids of calls may repeat, and each of them counts.
    return add.kind === "settle" ? [...given, report] : given;
  }

  #operationOf(add: SharedAdd): BudgetOperation {
    const keyText = budgetKeyText(add.key);
    return {
      op: "spend",
      leaseId: this.#ownId(keyText),
      clientId: SERVER_CLIENT_ID,
      key: add.key,
      keyText,
      limit: limitOf(add),
      amount: add.amount,
      spent: 0,
    };
  }

  /** The lease under which this call holds its estimate. */
  #reserve(add: SharedAdd, reservationId: string): string {
    const keyText = budgetKeyText(add.key);
    const chosen = this.#leaseIds.get(keyText);
    if (chosen !== undefined) return chosen;
    const name = this.#nameOf(keyText, reservationId);
    const known = this.#reserved.get(name) ?? [];
    // Another process finds the lease of a call by the call's id; of a second one of that id only this one does.
    const leaseId = known.length === 0 && this.#refusedCount === 0 ? hashOf(name) : this.#ownId(keyText);
    this.#leaseIds.set(keyText, leaseId);
    this.#reserved.set(name, [...known, leaseId]);
    const [oldest] = this.#reserved.keys();
    if (this.#reserved.size > RESERVATION_COUNT_MAX && oldest !== undefined) this.#reserved.delete(oldest);
    return leaseId;
  }

  /** The lease that this call gives back. */
  #release(add: SharedAdd, reservationId: string): string {
    const keyText = budgetKeyText(add.key);
    const chosen = this.#leaseIds.get(keyText);
    if (chosen !== undefined) return chosen;
    const name = this.#nameOf(keyText, reservationId);
    const [leaseId = hashOf(name), ...rest] = this.#reserved.get(name) ?? [];
    if (rest.length === 0) this.#reserved.delete(name);
    else this.#reserved.set(name, rest);
    this.#leaseIds.set(keyText, leaseId);
    return leaseId;
  }

  /** The estimate was given back: the next attempt holds it under another lease. */
  #drop(add: SharedAdd, reservationId: string): void {
    const keyText = budgetKeyText(add.key);
    const leaseId = this.#leaseIds.get(keyText);
    const name = this.#nameOf(keyText, reservationId);
    this.#leaseIds.delete(keyText);
    const rest = (this.#reserved.get(name) ?? []).filter((one) => one !== leaseId);
    if (rest.length === 0) this.#reserved.delete(name);
    else this.#reserved.set(name, rest);
  }

  #ownId(keyText: string): string {
    return hashOf(`${this.#call.operationId}\n${this.#refusedCount}\n${keyText}`);
  }

  #nameOf(keyText: string, reservationId: string): string {
    return `${this.#call.workspaceId}\n${reservationId}\n${keyText}`;
  }

  #stateKey(keyText: string): StateKey {
    return { workspaceId: this.#call.workspaceId, stateId: `${WINDOW_STATE_PREFIX}${hashOf(keyText)}` };
  }

  #nowMs(): number {
    return this.#parts.runtime.nowMs();
  }
}

/** What windows that count calls add up. */
const CALLS_METRIC = "calls";

/** Whose leases are those of calls that the server decided. */
const SERVER_CLIENT_ID = "server";

/** No client's run id holds a control character. */
const WINDOW_STATE_PREFIX = "\u0001window ";

/** Only what adds up can be shared out. */
function isAdded({ aggregate }: { readonly aggregate: SharedNeed["aggregate"] }): boolean {
  return aggregate === "sum" || aggregate === "count";
}

function limitOf(of: Pick<SharedNeed, "metric" | "aggregate" | "windowMs" | "limit">): BudgetLimit {
  return { amount: of.limit, windowMs: of.windowMs, isWhole: of.aggregate === "count" };
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
