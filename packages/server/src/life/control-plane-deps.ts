import type { RequestObserver } from "../http/request-observer.ts";
import type { ServerLog } from "../services/server-log.ts";
import type { ServerRuntime } from "../services/server-runtime.ts";
import type { RateLimit } from "../services/token-buckets.ts";
import type { WebhookTransport } from "../services/webhook-transport.ts";
import type { Store } from "../storage/store.ts";

/** What a control plane is made of. */
export interface ControlPlaneDeps {
  /** Closed by `stop`. */
  readonly store: Store;
  readonly runtime: ServerRuntime;
  readonly log: ServerLog;
  /** For each API key. */
  readonly rateLimit: RateLimit;
  /** How long `stop` waits for requests under way. */
  readonly drainTimeoutMs: number;
  /** Days that audit events are kept; 0 keeps them for ever. */
  readonly retentionDays: number;
  /** Where webhooks are reached. Default: public networks. */
  readonly webhookTransport?: WebhookTransport | undefined;
  /** Where people reach this control plane, such as `https://handlebar.example`; without it messages have no links. */
  readonly publicUrl?: string | undefined;
  /** Told of every request, beside the metrics. */
  readonly observers?: readonly RequestObserver[] | undefined;
}
