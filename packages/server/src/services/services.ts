import type { Store } from "../storage/store.ts";
import { AcksService } from "./acks-service.ts";
import { AgentsService } from "./agents-service.ts";
import { ApprovalsService } from "./approvals-service.ts";
import { AuditService } from "./audit-service.ts";
import { BudgetsService } from "./budgets-service.ts";
import { type ChangeFeed, createChangeFeed } from "./change-feed.ts";
import { CheckService } from "./check-service.ts";
import { EventTail } from "./event-tail.ts";
import { EventsService } from "./events-service.ts";
import { IngestService } from "./ingest-service.ts";
import { KeysService } from "./keys-service.ts";
import { LegacyChecks } from "./legacy-checks.ts";
import { LinkHub } from "./link-hub.ts";
import { LockdownsService } from "./lockdowns-service.ts";
import { PoliciesService } from "./policies-service.ts";
import { ReplaysService } from "./replays-service.ts";
import { RunMemory } from "./run-memory.ts";
import { RunsService } from "./runs-service.ts";
import type { ServerLog } from "./server-log.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import { SharedWindows } from "./shared-windows.ts";
import { WebhookSender } from "./webhook-sender.ts";
import type { WebhookTransport } from "./webhook-transport.ts";
import { WebhooksService } from "./webhooks-service.ts";
import { createWorkspaceStates, type WorkspaceStates } from "./workspace-states.ts";

/** What every service is built on. */
export interface ServiceDeps {
  readonly store: Store;
  readonly runtime: ServerRuntime;
  readonly log: ServerLog;
  /** How webhooks are reached. Default: not at all. */
  readonly webhookTransport?: WebhookTransport | undefined;
  /** Where people reach this control plane, for links in messages. */
  readonly publicUrl?: string | undefined;
  /** From 0 up to 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** The rules of the control plane, one service for each of its parts. */
export interface Services {
  readonly feed: ChangeFeed;
  readonly states: WorkspaceStates;
  readonly keys: KeysService;
  readonly agents: AgentsService;
  readonly link: LinkHub;
  readonly policies: PoliciesService;
  readonly acks: AcksService;
  readonly replays: ReplaysService;
  readonly lockdowns: LockdownsService;
  readonly runs: RunsService;
  readonly ingest: IngestService;
  readonly events: EventsService;
  readonly tail: EventTail;
  readonly check: CheckService;
  readonly legacyChecks: LegacyChecks;
  readonly approvals: ApprovalsService;
  readonly budgets: BudgetsService;
  readonly audit: AuditService;
  readonly webhooks: WebhooksService;
  readonly webhookSender: WebhookSender;
  /** Reads what is there and begins to watch for changes. @throws HandlebarError `HB_STORE_UNAVAILABLE`. */
  start(): Promise<void>;
  /** Writes what waits to be written, and ends every timer. Idempotent. */
  stop(): Promise<void>;
}

export function createServices(deps: ServiceDeps): Services {
  const { store, runtime, log, webhookTransport = NO_TRANSPORT } = deps;
  const onError = (error: unknown): void => log.warn({ err: error }, "reading changes failed; it is tried again");
  const feed = createChangeFeed({ store, runtime, onError });
  const states = createWorkspaceStates({ store, runtime, feed, onError });
  const keys = new KeysService({ store, runtime });
  const agents = new AgentsService({ store, runtime, feed, states });
  const link = new LinkHub({ store, runtime, feed, states, agents, onError });
  const approvals = new ApprovalsService({ store, runtime, feed });
  const memory = new RunMemory({ store, runtime });
  const windows = new SharedWindows({ store, runtime });
  const check = new CheckService({ runtime, states, agents, approvals, memory, windows });
  const tail = new EventTail({ store, runtime, onError });
  const onStored = (rows: Parameters<EventTail["stored"]>[0]): void => {
    tail.stored(rows);
    for (const { workspaceId, runId, runEnd } of rows) {
      if (runEnd !== undefined) memory.ended(workspaceId, runId);
    }
  };
  const ingest = new IngestService({ store, runtime, states, agents, onStored });
  feed.onChanges(({ changes, isComplete }) => {
    for (const { kind, ref } of changes) if (kind === "keys") keys.forget(ref);
    if (!isComplete) keys.forgetAll();
  });
  const policies = new PoliciesService({ store, runtime, feed });
  const replays = new ReplaysService({ store, runtime, policies });
  const webhookSender = openWebhookSender({ ...deps, webhookTransport });
  return {
    feed,
    states,
    keys,
    agents,
    link,
    policies,
    acks: new AcksService({ store, runtime, agents }),
    replays,
    lockdowns: new LockdownsService({ store, runtime, feed, agents }),
    runs: new RunsService({ store, runtime, agents, states, memory }),
    ingest,
    events: new EventsService({ store, runtime }),
    tail,
    check,
    legacyChecks: new LegacyChecks({ store, runtime, check, memory }),
    approvals,
    audit: new AuditService({ store }),
    webhooks: new WebhooksService({ store, runtime, transport: webhookTransport }),
    webhookSender,
    budgets: new BudgetsService({ store, runtime, agents, states, onError }),
    start: () => feed.start(),
    stop: async () => {
      feed.stop();
      link.close();
      tail.close();
      replays.close();
      await Promise.all([webhookSender.stop(), keys.flushUses(), agents.presence.flush(true), policies.close()]);
    },
  };
}

const NO_TRANSPORT: WebhookTransport = {
  refusalOf: () => "cannot be reached from this process",
  send: () => Promise.resolve({ kind: "failed", reason: "cannot be reached from this process" }),
};

function openWebhookSender(deps: ServiceDeps & { readonly webhookTransport: WebhookTransport }): WebhookSender {
  const { store, runtime, log, webhookTransport, publicUrl, random } = deps;
  return new WebhookSender({
    store,
    runtime,
    transport: webhookTransport,
    random: random ?? Math.random,
    publicUrl: publicUrl?.replace(/\/+$/, ""),
    onError: (error) =>
      log.warn({ err: error }, "what came of a message to a webhook was not written; it is sent again"),
  });
}
