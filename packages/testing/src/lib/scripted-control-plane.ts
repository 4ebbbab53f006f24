import type { Runtime } from "@handlebar/core";
import type { Approval, ApprovalAnswer, AuditEvent, LinkMessage, Lockdown, Policy } from "@handlebar/protocol";
import { ApprovalBook } from "./control-plane/approval-book.ts";
import { BudgetLedger, type GrantedLease } from "./control-plane/budget-ledger.ts";
import { findBudgetLimit } from "./control-plane/budget-limits.ts";
import { EventBook, type EventJudge, type SequenceGap } from "./control-plane/event-book.ts";
import { problemResponse, RequestProblem } from "./control-plane/plane-answer.ts";
import { PlaneCheck } from "./control-plane/plane-check.ts";
import { type KnownRun, PlaneLog, type ReceivedAck } from "./control-plane/plane-log.ts";
import { PLANE_ROUTES, type PlaneParts } from "./control-plane/plane-routes.ts";
import { type RegisteredAgent, StateHub } from "./control-plane/state-hub.ts";
import { readRequestText, type SimHandler, type SimRequest, type SimResponse } from "./sim-http.ts";

export interface ScriptedControlPlaneOptions {
  readonly policies?: readonly Policy[] | undefined;
  /** Keys that are taken. Absent: any. */
  readonly apiKeys?: readonly string[] | undefined;
  /** Between heartbeats of a stream. Default 15,000. */
  readonly heartbeatMs?: number | undefined;
  /** How long a lease holds. Default 10,000. */
  readonly leaseTtlMs?: number | undefined;
  /** False: streams are refused with 501, so that clients poll. Default true. */
  readonly streams?: boolean | undefined;
  /** The longest that a poll is held. Default 30. */
  readonly waitMaxSeconds?: number | undefined;
}

/**
 * A control plane in memory, driven by the test: the routes that clients use (DESIGN "The HTTP contract"), the same engine, and
 * methods to change what it says and to look at what it was told. `handler` goes into a simulated network
 * (`network.serve`) or, through `@handlebar/testing/node`, behind a real socket.
 */
export interface ScriptedControlPlane {
  readonly handler: SimHandler;
  /** Grows with every change of policies or lockdowns. */
  readonly revision: number;
  readonly streamCount: number;

  setPolicies(policies: readonly Policy[]): void;
  /** Puts a stop order in force; `lockdownId` is made when absent. */
  addLockdown(lockdown: Omit<Lockdown, "lockdownId"> & { readonly lockdownId?: string }): Lockdown;
  /** False when there is no such stop order. */
  liftLockdown(lockdownId: string): boolean;
  /** Answers an approval as a person would. @throws RequestProblem where the terms do not allow it. */
  resolveApproval(approvalId: string, answer: ApprovalAnswer): Approval;
  /** Takes a request, or an approval that was not used, back. @throws RequestProblem where it is over. */
  cancelApproval(approvalId: string): Approval;
  /** Refuses a key from now on with 401; without one, every key. */
  revokeKey(key?: string): void;
  restoreKey(key?: string): void;
  /** Asks for a lease back. */
  recallLease(leaseId: string): void;
  /** Decides about events that arrive, such as refusing one: see `EventJudge`. */
  judgeEvents(judge: EventJudge): void;
  /** Sends a message to every stream, whatever the state is. */
  push(message: LinkMessage): void;
  /** Sends text to every stream as it is. */
  pushRaw(text: string): void;
  closeStreams(): void;

  agents(): readonly RegisteredAgent[];
  runs(): readonly KnownRun[];
  acks(): readonly ReceivedAck[];
  approvals(): readonly Approval[];
  leases(): readonly GrantedLease[];
  /** Events that were taken, each once. */
  events(): readonly AuditEvent[];
  /** Events that arrived again, and that were refused. */
  readonly duplicateCount: number;
  readonly rejectedCount: number;
  /** Sequence numbers that are missing without an `events.dropped` that says so. */
  gaps(): readonly SequenceGap[];
}

/** A control plane without agents at revision 0 (1 with policies). */
export function createScriptedControlPlane(
  runtime: Pick<Runtime, "clock" | "timers" | "newId">,
  options: ScriptedControlPlaneOptions = {},
): ScriptedControlPlane {
  return new Plane(runtime, options);
}

const HEARTBEAT_MS = 15_000;
const LEASE_TTL_MS = 10_000;
const WAIT_MAX_SECONDS = 30;

class Plane implements ScriptedControlPlane {
  readonly handler: SimHandler;
  readonly #parts: PlaneParts;
  readonly #apiKeys: ReadonlySet<string> | undefined;
  readonly #revoked = new Set<string>();
  #refusesAll = false;

  constructor(runtime: PlaneParts["runtime"], options: ScriptedControlPlaneOptions) {
    const times = (): ReturnType<PlaneParts["times"]> => ({
      monotonicMs: runtime.clock.monotonicMs(),
      wallMs: runtime.clock.nowMs(),
    });
    const hub = new StateHub(runtime, options.heartbeatMs ?? HEARTBEAT_MS);
    const ledger = new BudgetLedger((key) => findBudgetLimit(hub.policies, key), options.leaseTtlMs ?? LEASE_TTL_MS);
    const approvals = new ApprovalBook(runtime);
    approvals.onResolved = (approval) => hub.push({ kind: "approval", approval }, approval.agent);
    this.#parts = {
      runtime,
      hub,
      ledger,
      approvals,
      events: new EventBook(),
      check: new PlaneCheck(hub, ledger, times),
      log: new PlaneLog(() => runtime.clock.nowMs()),
      times,
      streams: options.streams !== false,
      waitMaxSeconds: options.waitMaxSeconds ?? WAIT_MAX_SECONDS,
    };
    this.#apiKeys = options.apiKeys === undefined ? undefined : new Set(options.apiKeys);
    this.handler = (request) => this.#handle(request);
    if (options.policies !== undefined) hub.setPolicies(options.policies);
  }

  get revision(): number {
    return this.#parts.hub.revision;
  }

  get streamCount(): number {
    return this.#parts.hub.streamCount;
  }

  get duplicateCount(): number {
    return this.#parts.events.duplicateCount;
  }

  get rejectedCount(): number {
    return this.#parts.events.rejectedCount;
  }

  setPolicies(policies: readonly Policy[]): void {
    this.#parts.hub.setPolicies(policies);
  }

  addLockdown(given: Omit<Lockdown, "lockdownId"> & { readonly lockdownId?: string }): Lockdown {
    const { hub, runtime } = this.#parts;
    const lockdown = { ...given, lockdownId: given.lockdownId ?? runtime.newId() };
    hub.setLockdowns([...hub.lockdowns, lockdown]);
    return lockdown;
  }

  liftLockdown(lockdownId: string): boolean {
    const { hub } = this.#parts;
    const rest = hub.lockdowns.filter((lockdown) => lockdown.lockdownId !== lockdownId);
    if (rest.length === hub.lockdowns.length) return false;
    hub.setLockdowns(rest);
    return true;
  }

  resolveApproval(approvalId: string, answer: ApprovalAnswer): Approval {
    return this.#parts.approvals.resolve(approvalId, answer);
  }

  cancelApproval(approvalId: string): Approval {
    return this.#parts.approvals.cancel(approvalId);
  }

  revokeKey(key?: string): void {
    if (key === undefined) this.#refusesAll = true;
    else this.#revoked.add(key);
  }

  restoreKey(key?: string): void {
    if (key !== undefined) this.#revoked.delete(key);
    else {
      this.#refusesAll = false;
      this.#revoked.clear();
    }
  }

  recallLease(leaseId: string): void {
    this.#parts.hub.push({ kind: "lease.recall", leaseId });
  }

  judgeEvents(judge: EventJudge): void {
    this.#parts.events.judge = judge;
  }

  push(message: LinkMessage): void {
    this.#parts.hub.push(message);
  }

  pushRaw(text: string): void {
    this.#parts.hub.pushRaw(text);
  }

  closeStreams(): void {
    this.#parts.hub.closeStreams();
  }

  agents(): readonly RegisteredAgent[] {
    return this.#parts.hub.agents;
  }

  runs(): readonly KnownRun[] {
    return this.#parts.log.runs;
  }

  acks(): readonly ReceivedAck[] {
    return [...this.#parts.log.acks];
  }

  approvals(): readonly Approval[] {
    return this.#parts.approvals.list();
  }

  leases(): readonly GrantedLease[] {
    return this.#parts.ledger.leases();
  }

  events(): readonly AuditEvent[] {
    return this.#parts.events.events;
  }

  gaps(): readonly SequenceGap[] {
    return this.#parts.events.gaps();
  }

  async #handle(request: SimRequest): Promise<SimResponse> {
    try {
      this.#authorise(request);
      return await this.#route(request);
    } catch (error) {
      if (error instanceof RequestProblem) return problemResponse(error.problem);
      const title = `the control plane failed: ${String(error)}`;
      return problemResponse({ status: 500, code: "HB_API_UNREACHABLE", title });
    }
  }

  #authorise({ headers }: SimRequest): void {
    const key = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
    const isTaken = key !== undefined && !this.#refusesAll && !this.#revoked.has(key);
    if (isTaken && this.#apiKeys?.has(key) !== false) return;
    throw new RequestProblem(401, "HB_API_AUTH", { title: "the API key is not valid" });
  }

  async #route(request: SimRequest): Promise<SimResponse> {
    for (const route of PLANE_ROUTES) {
      const match = route.method === request.method ? route.path.exec(request.path) : null;
      if (match === null) continue;
      const params = match.slice(1).map(decodeURIComponent);
      return await route.run(this.#parts, { request, params, body: await readJson(request) });
    }
    throw new RequestProblem(404, "HB_API_REJECTED", { title: `there is no ${request.method} ${request.path}` });
  }
}

async function readJson(request: SimRequest): Promise<unknown> {
  if (request.body.length === 0) return undefined;
  const value = parseJson(await readRequestText(request));
  if (value === NO_JSON) throw new RequestProblem(400, "HB_API_REJECTED", { title: "the body is not JSON" });
  return value;
}

const NO_JSON = Symbol("no JSON");

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return NO_JSON;
  }
}
