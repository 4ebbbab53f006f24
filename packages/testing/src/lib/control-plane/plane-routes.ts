import type { Runtime } from "@handlebar/core";
import {
  ackBodySchema,
  budgetBodySchema,
  checkBodySchema,
  createApprovalBodySchema,
  createLockdownBodySchema,
  endRunBodySchema,
  type IngestAnswer,
  type Lockdown,
  registerAgentBodySchema,
  registerToolsBodySchema,
  resolveApprovalBodySchema,
  startRunBodySchema,
} from "@handlebar/protocol";
import { jsonResponse, type SimRequest, type SimResponse } from "../sim-http.ts";
import type { ApprovalBook } from "./approval-book.ts";
import type { BudgetLedger, LedgerTimes } from "./budget-ledger.ts";
import type { EventBook } from "./event-book.ts";
import { notFound, RequestProblem, readBody } from "./plane-answer.ts";
import type { PlaneCheck } from "./plane-check.ts";
import type { PlaneLog } from "./plane-log.ts";
import type { RegisteredAgent, StateHub } from "./state-hub.ts";

/** What the routes work on. */
export interface PlaneParts {
  readonly runtime: Pick<Runtime, "clock" | "timers" | "newId">;
  readonly hub: StateHub;
  readonly ledger: BudgetLedger;
  readonly approvals: ApprovalBook;
  readonly events: EventBook;
  readonly check: PlaneCheck;
  readonly log: PlaneLog;
  readonly times: () => LedgerTimes;
  readonly streams: boolean;
  readonly waitMaxSeconds: number;
}

export interface RouteCall {
  readonly request: SimRequest;
  readonly body: unknown;
  /** The parts of the path that the pattern captured, decoded. */
  readonly params: readonly string[];
}

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly run: (parts: PlaneParts, call: RouteCall) => SimResponse | Promise<SimResponse>;
}

const ID = "([^/]+)";
const path = (text: string): RegExp => new RegExp(`^${text.replaceAll("{id}", ID)}$`);

/** The routes of DESIGN section 11 that clients call. */
export const PLANE_ROUTES: readonly Route[] = [
  { method: "PUT", path: path("/v1/agents"), run: registerAgent },
  { method: "PUT", path: path("/v1/agents/{id}/tools"), run: registerTools },
  { method: "GET", path: path("/v1/agents/{id}/state"), run: readState },
  { method: "GET", path: path("/v1/agents/{id}/stream"), run: openStream },
  { method: "POST", path: path("/v1/agents/{id}/ack"), run: acknowledge },
  { method: "POST", path: path("/v1/agents/check"), run: checkCalls },
  { method: "POST", path: path("/v1/agents/{id}/metrics/budget"), run: changeLeases },
  { method: "POST", path: path("/v1/runs/events"), run: ingest },
  { method: "POST", path: path("/v1/runs/{id}/start"), run: startRun },
  { method: "POST", path: path("/v1/runs/{id}/end"), run: endRun },
  { method: "POST", path: path("/v1/approvals"), run: claimApproval },
  { method: "GET", path: path("/v1/approvals/{id}"), run: readApproval },
  { method: "POST", path: path("/v1/approvals/{id}/resolve"), run: resolveApproval },
  { method: "POST", path: path("/v1/approvals/{id}/cancel"), run: cancelApproval },
  { method: "POST", path: path("/v1/lockdowns"), run: createLockdown },
  { method: "DELETE", path: path("/v1/lockdowns/{id}"), run: deleteLockdown },
];

function registerAgent({ hub }: PlaneParts, { body }: RouteCall): SimResponse {
  const { tools, ...agent } = readBody(registerAgentBodySchema, body);
  const registered = hub.register(agent, tools);
  return jsonResponse({ agentId: registered.agentId, state: hub.stateFor(registered) });
}

function registerTools({ hub }: PlaneParts, call: RouteCall): SimResponse {
  const { agent } = agentOf(hub, call.params[0]);
  hub.register(agent, readBody(registerToolsBodySchema, call.body).tools);
  return jsonResponse({});
}

async function readState({ hub, waitMaxSeconds }: PlaneParts, { request, params }: RouteCall): Promise<SimResponse> {
  const registered = agentOf(hub, params[0]);
  const isKnown = (): boolean => request.headers["if-none-match"] === `"${hub.revision}"`;
  const waitMs = Math.min(secondsOf(request), waitMaxSeconds) * 1_000;
  if (isKnown() && waitMs > 0) await hub.nextRevision(waitMs, request.signal);
  const headers = { etag: `"${hub.revision}"` };
  return isKnown() ? { status: 304, headers } : jsonResponse(hub.stateFor(registered), 200, headers);
}

function openStream({ hub, streams }: PlaneParts, { request, params }: RouteCall): SimResponse {
  const registered = agentOf(hub, params[0]);
  if (!streams) throw new RequestProblem(501, "HB_API_REJECTED", { title: "streams are switched off" });
  const lastEventId = request.headers["last-event-id"];
  return {
    status: 200,
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    body: (writer) => hub.openStream(registered, lastEventId, writer),
  };
}

function acknowledge({ hub, log }: PlaneParts, call: RouteCall): SimResponse {
  log.acknowledge(agentOf(hub, call.params[0]), readBody(ackBodySchema, call.body));
  return jsonResponse({});
}

function checkCalls({ hub, check }: PlaneParts, call: RouteCall): SimResponse {
  const body = readBody(checkBodySchema, call.body);
  return jsonResponse({ decisions: check.decide(body, agentOf(hub, body.agentId)) });
}

function changeLeases({ hub, ledger, times }: PlaneParts, call: RouteCall): SimResponse {
  agentOf(hub, call.params[0]);
  const { clientId, operations } = readBody(budgetBodySchema, call.body);
  return jsonResponse({ leases: operations.map((operation) => ledger.apply(operation, clientId, times())) });
}

function ingest({ hub, events }: PlaneParts, { body }: RouteCall): SimResponse {
  const list: unknown = typeof body === "object" && body !== null && "events" in body ? body.events : undefined;
  if (!Array.isArray(list) || list.length === 0 || list.length > 1_000) {
    throw new RequestProblem(400, "HB_API_REJECTED", { title: "events must be a list of 1 to 1,000", field: "events" });
  }
  const results = list.map((event) => events.take(event)).filter((result) => result !== undefined);
  const answer: IngestAnswer = { accepted: list.length - results.length, results, revision: hub.revision };
  return jsonResponse(answer);
}

function startRun({ hub, log }: PlaneParts, call: RouteCall): SimResponse {
  const body = readBody(startRunBodySchema, call.body);
  log.startRun(call.params[0] ?? "", agentOf(hub, body.agentId), body);
  return jsonResponse({});
}

function endRun({ hub, log }: PlaneParts, call: RouteCall): SimResponse {
  const body = readBody(endRunBodySchema, call.body);
  const [runId = ""] = call.params;
  log.endRun(runId, agentOf(hub, body.agentId), body.status);
  return jsonResponse({});
}

function claimApproval({ approvals }: PlaneParts, { body }: RouteCall): SimResponse {
  return jsonResponse({ approval: approvals.claim(readBody(createApprovalBodySchema, body)) });
}

async function readApproval(parts: PlaneParts, { request, params }: RouteCall): Promise<SimResponse> {
  const waitMs = Math.min(secondsOf(request), parts.waitMaxSeconds) * 1_000;
  return jsonResponse({ approval: await parts.approvals.wait(params[0] ?? "", waitMs, request.signal) });
}

function resolveApproval({ approvals }: PlaneParts, { body, params }: RouteCall): SimResponse {
  return jsonResponse({ approval: approvals.resolve(params[0] ?? "", readBody(resolveApprovalBodySchema, body)) });
}

function cancelApproval({ approvals }: PlaneParts, { params }: RouteCall): SimResponse {
  return jsonResponse({ approval: approvals.cancel(params[0] ?? "") });
}

function createLockdown({ runtime, hub, log }: PlaneParts, { body }: RouteCall): SimResponse {
  const { lockdownId = runtime.newId(), ...order } = readBody(createLockdownBodySchema, body);
  const lockdown: Lockdown = { lockdownId, ...order };
  hub.setLockdowns([...hub.lockdowns, lockdown]);
  return jsonResponse({ lockdown, acknowledged: log.acknowledgedCount(lockdown.lockdownId) }, 201);
}

function deleteLockdown({ hub }: PlaneParts, { params }: RouteCall): SimResponse {
  const rest = hub.lockdowns.filter((lockdown) => lockdown.lockdownId !== params[0]);
  if (rest.length === hub.lockdowns.length) throw notFound(`lockdown \`${params[0]}\``);
  hub.setLockdowns(rest);
  return { status: 204 };
}

function agentOf(hub: StateHub, agentId: string | undefined): RegisteredAgent {
  const registered = hub.find(agentId ?? "");
  if (registered === undefined) throw notFound(`agent \`${agentId}\``);
  return registered;
}

function secondsOf(request: SimRequest): number {
  const seconds = Number(request.query.get("wait") ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 0;
}
