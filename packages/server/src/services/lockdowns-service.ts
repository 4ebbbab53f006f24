import { canonicalJson } from "@handlebar/engine";
import type { CreateLockdownBody, Lockdown, LockdownScope } from "@handlebar/protocol";
import { LOCKDOWN_LIST_COUNT_MAX, LOCKDOWN_STRAGGLER_COUNT_MAX } from "../limits.ts";
import type { ClientRecord } from "../storage/agents-table.ts";
import type { LockdownRecord } from "../storage/lockdowns-table.ts";
import type { Store } from "../storage/store.ts";
import type { AgentsService } from "./agents-service.ts";
import type { ChangeFeed } from "./change-feed.ts";
import type { Principal } from "./principal.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime } from "./server-runtime.ts";

/** A stop order, and who has it. */
export interface LockdownReport {
  readonly record: LockdownRecord;
  readonly isInForce: boolean;
  /** Clients heard from within the last day whose agent it is for. */
  readonly clientCount: number;
  readonly acknowledgedCount: number;
}

export interface Straggler {
  readonly client: ClientRecord;
  readonly agent: string;
}

export interface LockdownsServiceDeps {
  readonly store: Pick<Store, "lockdowns">;
  readonly runtime: ServerRuntime;
  readonly feed: Pick<ChangeFeed, "settle">;
  readonly agents: Pick<AgentsService, "find" | "clients">;
}

/** Stop orders: given, lifted, and shown with the clients that obey them. */
export class LockdownsService {
  readonly #store: Pick<Store, "lockdowns">;
  readonly #runtime: ServerRuntime;
  readonly #feed: Pick<ChangeFeed, "settle">;
  readonly #agents: Pick<AgentsService, "find" | "clients">;

  constructor({ store, runtime, feed, agents }: LockdownsServiceDeps) {
    this.#store = store;
    this.#runtime = runtime;
    this.#feed = feed;
    this.#agents = agents;
  }

  /** The same id twice is one order. @throws ServiceProblem `HB_REQUEST_INVALID`, `HB_CONFLICT`. */
  async create({ workspaceId, keyId }: Principal, body: CreateLockdownBody): Promise<LockdownReport> {
    const nowMs = this.#runtime.nowMs();
    if (body.until !== undefined && Date.parse(body.until) <= nowMs) {
      const message = `\`until\` lies in the past (${body.until}); give a time to come, or none`;
      throw new ServiceProblem("invalid", "HB_REQUEST_INVALID", { message, field: "until" });
    }
    const lockdown: Lockdown = { ...body, lockdownId: body.lockdownId ?? this.#runtime.newId() };
    const record = await this.#store.lockdowns.create({ workspaceId, lockdown, createdAtMs: nowMs, createdBy: keyId });
    if (canonicalJson(record.lockdown.scope) !== canonicalJson(lockdown.scope)) {
      const message = `\`${lockdown.lockdownId}\` is another lockdown's id; leave it out or make a new one`;
      throw new ServiceProblem("conflict", "HB_CONFLICT", { message, field: "lockdownId" });
    }
    await this.#feed.settle(workspaceId);
    return this.#report(record, await this.#clients(record));
  }

  /** Lifted twice it stays lifted. @throws ServiceProblem `HB_NOT_FOUND`. */
  async lift({ workspaceId, keyId }: Principal, lockdownId: string): Promise<LockdownReport> {
    const by = { keyId, nowMs: this.#runtime.nowMs() };
    const lifted = await this.#store.lockdowns.lift(workspaceId, lockdownId, by);
    const record = lifted ?? (await this.#require(workspaceId, lockdownId));
    await this.#feed.settle(workspaceId);
    return this.#report(record, await this.#clients(record));
  }

  /** @throws ServiceProblem `HB_NOT_FOUND`. */
  async get(workspaceId: string, lockdownId: string): Promise<LockdownReport> {
    const record = await this.#require(workspaceId, lockdownId);
    return this.#report(record, await this.#clients(record));
  }

  /** Newest first; those that are over only with `all`. */
  async list(workspaceId: string, all: boolean): Promise<readonly LockdownReport[]> {
    const nowMs = this.#runtime.nowMs();
    const records = all
      ? await this.#store.lockdowns.list(workspaceId, LOCKDOWN_LIST_COUNT_MAX)
      : await this.#store.lockdowns.inForce(workspaceId, nowMs);
    if (records.length === 0) return [];
    const clients = await this.#agents.clients(workspaceId);
    const newestFirst = [...records].sort((a, b) => b.createdAtMs - a.createdAtMs);
    return Promise.all(newestFirst.map(async (record) => this.#report(record, await this.#clients(record, clients))));
  }

  /** Clients that do not obey it yet, those heard from last first. */
  async stragglers({ record, isInForce }: LockdownReport): Promise<readonly Straggler[]> {
    if (!isInForce) return [];
    const { lockdownId } = record.lockdown;
    const late = (await this.#clients(record)).filter((client) => !client.lockdownIds.includes(lockdownId));
    const newest = late.sort((a, b) => b.ackedAtMs - a.ackedAtMs).slice(0, LOCKDOWN_STRAGGLER_COUNT_MAX);
    return Promise.all(
      newest.map(async (client) => {
        const agent = await this.#agents.find(record.workspaceId, client.agentId);
        return { client, agent: agent?.slug ?? client.agentId };
      }),
    );
  }

  /** Lifts those whose time is over. */
  liftExpired(): Promise<number> {
    return this.#store.lockdowns.liftExpired(this.#runtime.nowMs());
  }

  async #require(workspaceId: string, lockdownId: string): Promise<LockdownRecord> {
    const record = await this.#store.lockdowns.get(workspaceId, lockdownId);
    if (record !== undefined) return record;
    const message = `there is no lockdown \`${lockdownId}\`; see \`GET /v1/lockdowns\``;
    throw new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field: "lockdownId" });
  }

  #report(record: LockdownRecord, clients: readonly ClientRecord[]): LockdownReport {
    const { lockdown, liftedAtMs } = record;
    const isOver = lockdown.until !== undefined && Date.parse(lockdown.until) <= this.#runtime.nowMs();
    return {
      record,
      isInForce: liftedAtMs === undefined && !isOver,
      clientCount: clients.length,
      acknowledgedCount: clients.filter(({ lockdownIds }) => lockdownIds.includes(lockdown.lockdownId)).length,
    };
  }

  /** Clients that were heard from lately and whose agent the order may be for. */
  async #clients({ workspaceId, lockdown }: LockdownRecord, all?: readonly ClientRecord[]): Promise<ClientRecord[]> {
    const agentId = await this.#agentIdOf(workspaceId, lockdown.scope);
    if (agentId === "none") return [];
    const clients = all ?? (await this.#agents.clients(workspaceId, agentId));
    return clients.filter((client) => agentId === undefined || client.agentId === agentId);
  }

  /** The one agent that an order is for; `none` when it is not registered. */
  async #agentIdOf(workspaceId: string, scope: LockdownScope): Promise<string | undefined> {
    if (scope.kind !== "agent") return undefined;
    return (await this.#agents.find(workspaceId, scope.slug))?.agentId ?? "none";
  }
}
