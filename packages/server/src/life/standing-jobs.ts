import type { HttpApp } from "../http/http-app.ts";
import { BUDGET_RETENTION_MS, CHANGE_RETENTION_MS, CLIENT_RETENTION_MS, RUN_STATE_RETENTION_MS } from "../limits.ts";
import type { ServerRuntime } from "../services/server-runtime.ts";
import type { Services } from "../services/services.ts";
import type { Store } from "../storage/store.ts";
import type { Job } from "./jobs.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** What keeps a store in shape: what has run out ends, what is old goes, and there is room for what comes. */
export function storeJobs(
  store: Store,
  runtime: ServerRuntime,
  { retentionDays }: { readonly retentionDays: number },
): readonly Job[] {
  const shared = (name: string, everyMs: number, run: () => Promise<unknown>): Job => ({
    name,
    everyMs,
    isShared: true,
    run,
  });
  const before = (ageMs: number): number => runtime.nowMs() - ageMs;
  const jobs = [
    shared("events.prepare", HOUR_MS, () => store.events.prepare(runtime.nowMs())),
    shared("changes.prune", HOUR_MS, () => store.changes.prune(before(CHANGE_RETENTION_MS))),
    shared("clients.prune", HOUR_MS, () => store.agents.pruneClients(before(CLIENT_RETENTION_MS))),
    shared("lockdown-acks.prune", HOUR_MS, () => store.lockdowns.pruneAcks(before(CLIENT_RETENTION_MS))),
    shared("run-states.prune", HOUR_MS, () => store.runStates.prune(before(RUN_STATE_RETENTION_MS))),
    shared("budgets.prune", HOUR_MS, () => store.budgets.prune(before(BUDGET_RETENTION_MS))),
  ];
  if (retentionDays > 0) {
    jobs.push(shared("events.prune", HOUR_MS, () => store.events.prune(before(retentionDays * DAY_MS))));
  }
  return jobs;
}

/** What services and open connections need from time to time. */
export function serviceJobs(
  services: Pick<Services, "keys" | "agents" | "lockdowns" | "approvals" | "webhooks" | "webhookSender">,
  app: Pick<HttpApp, "reviewKeys">,
): readonly Job[] {
  const { keys, agents, lockdowns, approvals, webhooks, webhookSender } = services;
  return [
    { name: "lockdowns.lift", everyMs: SECOND_MS, isShared: true, run: () => lockdowns.liftExpired() },
    { name: "approvals.expire", everyMs: SECOND_MS, isShared: true, run: () => approvals.expireDue() },
    // Each message has a lease of its own: every process takes its part.
    { name: "webhooks.send", everyMs: SECOND_MS, isShared: false, run: () => webhookSender.tick() },
    { name: "webhooks.prune", everyMs: HOUR_MS, isShared: true, run: () => webhooks.prune() },
    { name: "clients.flush", everyMs: 10 * SECOND_MS, isShared: false, run: () => agents.presence.flush() },
    { name: "keys.flush", everyMs: 10 * SECOND_MS, isShared: false, run: () => keys.flushUses() },
    // A key that runs out tells nobody.
    { name: "keys.review", everyMs: 10 * SECOND_MS, isShared: false, run: () => app.reviewKeys() },
  ];
}
