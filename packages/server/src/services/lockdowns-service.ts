import { canonicalJson } from "@handlebar/engine";
import type { CreateLockdownBody, Lockdown, LockdownScope } from "@handlebar/protocol";
import {
  CLIENT_COUNT_MAX,
  CLIENT_COUNTED_MS,
  LOCKDOWN_COURSE_POINT_COUNT_MAX,
  LOCKDOWN_LIST_COUNT_MAX,
  LOCKDOWN_STRAGGLER_COUNT_MAX,
} from "../limits.ts";
import type { ClientRecord } from "../storage/agents-table.ts";
import type { LockdownRecord } from "../storage/lockdowns-table.ts";
import type { Store } from "../storage/store.ts";
import type { AgentsService } from "./agents-service.ts";
import { auditHand } from "./audit-story.ts";
import type { ChangeFeed } from "./change-feed.ts";
import { type LockdownCourse, lockdownCourse } from "./lockdown-course.ts";
import { lockdownTold } from "./lockdown-story.ts";
import type { Principal } from "./principal.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime } from "./server-runtime.ts";

/**
 * Where a client stands to a stop order: it obeys; it does not yet (`late`); it does not act upon stop orders (`shadow`, `off`); or it has
 * not been heard from for a while and never obeyed (`silent`): it ended without a word, or is cut off.
 */
export type LockdownStanding = "obeys" | "late" | "shadow" | "off" | "silent";

/** A stop order, and who has it. */
export interface LockdownReport {
  readonly record: LockdownRecord;
  readonly isInForce: boolean;
  /** Clients that it is for and that obey it or may be running. */
  readonly clientCount: number;
  readonly acknowledgedCount: number;
  readonly silentCount: number;
  /** Clients that do not obey it: those to wait for first, then those heard from last. Empty once it is over. */
  readonly stragglers: readonly Straggler[];
}

export interface Straggler {
  readonly client: ClientRecord;
  readonly standing: Exclude<LockdownStanding, "obeys">;
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
  async create(principal: Principal, body: CreateLockdownBody): Promise<LockdownReport> {
    const { workspaceId, keyId } = principal;
    const hand = auditHand(this.#runtime, principal);
    const { nowMs } = hand;
    if (body.until !== undefined && Date.parse(body.until) <= nowMs) {
      const message = `\`until\` lies in the past (${body.until}); give a time to come, or none`;
      throw new ServiceProblem("invalid", "HB_REQUEST_INVALID", { message, field: "until" });
    }
    const lockdown: Lockdown = { ...body, lockdownId: body.lockdownId ?? this.#runtime.newId() };
    const given = { workspaceId, lockdown, createdAtMs: nowMs, createdBy: keyId };
    const record = await this.#store.lockdowns.create(given, lockdownTold(hand));
    if (canonicalJson(record.lockdown.scope) !== canonicalJson(lockdown.scope)) {
      const message = `\`${lockdown.lockdownId}\` is another lockdown's id; leave it out or make a new one`;
      throw new ServiceProblem("conflict", "HB_CONFLICT", { message, field: "lockdownId" });
    }
    await this.#feed.settle(workspaceId);
    return this.#report(record);
  }

  /** Lifted twice it stays lifted. @throws ServiceProblem `HB_NOT_FOUND`. */
  async lift(principal: Principal, lockdownId: string): Promise<LockdownReport> {
    const { workspaceId, keyId } = principal;
    const hand = auditHand(this.#runtime, principal);
    const by = { keyId, nowMs: hand.nowMs, tell: lockdownTold(hand) };
    const lifted = await this.#store.lockdowns.lift(workspaceId, lockdownId, by);
    const record = lifted ?? (await this.#require(workspaceId, lockdownId));
    await this.#feed.settle(workspaceId);
    return this.#report(record);
  }

  /** @throws ServiceProblem `HB_NOT_FOUND`. */
  async get(workspaceId: string, lockdownId: string): Promise<LockdownReport> {
    return this.#report(await this.#require(workspaceId, lockdownId));
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
    return Promise.all(newestFirst.map((record) => this.#report(record, clients)));
  }

  /** How its acknowledgements came in. */
  async course({ workspaceId, lockdown, createdAtMs }: LockdownRecord): Promise<LockdownCourse> {
    const acks = await this.#store.lockdowns.acks(workspaceId, lockdown.lockdownId, CLIENT_COUNT_MAX);
    return lockdownCourse(acks, { createdAtMs, pointCountMax: LOCKDOWN_COURSE_POINT_COUNT_MAX });
  }

  /** The slug of a client's agent. */
  async agentOf(workspaceId: string, { agentId }: Pick<ClientRecord, "agentId">): Promise<string> {
    return (await this.#agents.find(workspaceId, agentId))?.slug ?? agentId;
  }

  /** Lifts those whose time is over. */
  liftExpired(): Promise<number> {
    const hand = auditHand(this.#runtime);
    return this.#store.lockdowns.liftExpired(hand.nowMs, lockdownTold(hand));
  }

  async #require(workspaceId: string, lockdownId: string): Promise<LockdownRecord> {
    const record = await this.#store.lockdowns.get(workspaceId, lockdownId);
    if (record !== undefined) return record;
    const message = `there is no lockdown \`${lockdownId}\`; see \`GET /v1/lockdowns\``;
    throw new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field: "lockdownId" });
  }

  async #report(record: LockdownRecord, all?: readonly ClientRecord[]): Promise<LockdownReport> {
    const { lockdown, liftedAtMs } = record;
    const nowMs = this.#runtime.nowMs();
    const isInForce = liftedAtMs === undefined && !isOver(lockdown, nowMs);
    const standings = (await this.#clients(record, all)).map((client) => ({
      client,
      standing: standingOf(client, lockdown.lockdownId, nowMs),
    }));
    const acknowledgedCount = standings.filter(({ standing }) => standing === "obeys").length;
    const silentCount = standings.filter(({ standing }) => standing === "silent").length;
    return {
      record,
      isInForce,
      clientCount: standings.length - silentCount,
      acknowledgedCount,
      silentCount,
      stragglers: isInForce ? stragglersOf(standings) : [],
    };
  }

  /** Clients that were heard from within the last day and whose agent the order may be for. */
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

function isOver({ until }: Lockdown, nowMs: number): boolean {
  return until !== undefined && Date.parse(until) <= nowMs;
}

function standingOf(client: ClientRecord, lockdownId: string, nowMs: number): LockdownStanding {
  const { enforceMode, lockdownIds, seenAtMs } = client;
  const isObeying = enforceMode === "enforce" && lockdownIds.includes(lockdownId);
  if (isObeying) return "obeys";
  if (nowMs - seenAtMs > CLIENT_COUNTED_MS) return "silent";
  return enforceMode === "enforce" ? "late" : enforceMode;
}

function stragglersOf(
  standings: readonly { readonly client: ClientRecord; readonly standing: LockdownStanding }[],
): readonly Straggler[] {
  const late = standings.flatMap(({ client, standing }) => (standing === "obeys" ? [] : [{ client, standing }]));
  const rank = ({ standing }: Straggler): number => (standing === "silent" ? 1 : 0);
  return late
    .sort((a, b) => rank(a) - rank(b) || b.client.seenAtMs - a.client.seenAtMs)
    .slice(0, LOCKDOWN_STRAGGLER_COUNT_MAX);
}
