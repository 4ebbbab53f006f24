import type { CreatedKey } from "@handlebar/protocol";
import type { RequestObserver } from "../http/request-observer.ts";
import { spanObserver } from "../http/request-spans.ts";
import type { ServerLog } from "../services/server-log.ts";
import type { ServerRuntime } from "../services/server-runtime.ts";
import type { Store } from "../storage/store.ts";
import { VERSION } from "../version.ts";
import type { ServerConfig } from "./config.ts";
import { ControlPlane } from "./control-plane.ts";
import { ensureFirstKey, FIRST_WORKSPACE } from "./first-key.ts";
import type { LocalKey } from "./local-keys.ts";
import { createLog } from "./logger.ts";
import { openStore } from "./open-store.ts";
import { processRuntime } from "./process-runtime.ts";
import { SpanExporter } from "./span-exporter.ts";
import { openWebhookTransport } from "./webhook-transport.ts";

/** A server that runs. */
export interface RunningServer {
  /** Such as `http://127.0.0.1:4747`. */
  readonly origin: string;
  readonly storeKind: Store["kind"];
  /** The key that this start made, the one time that it is known. */
  readonly firstKey: string | undefined;
  /** Makes a key, for whoever runs the server itself. @returns its text, the one time that it is known. */
  issueKey(key: LocalKey): Promise<CreatedKey>;
  /** Takes no more requests, ends streams, lets the others finish, writes what waits and closes the store. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Opens the store, makes the first key where there is none, and listens.
 * @throws HandlebarError `HB_STORE_...`, `HB_CONFIG_INVALID`.
 */
export async function startServer(
  config: ServerConfig,
  log: ServerLog = createLog(config.logLevel),
): Promise<RunningServer> {
  const startedMs = performance.now();
  const runtime = processRuntime();
  const webhookTransport = openWebhookTransport({ allowedNetworks: networksOf(config.webhookAllowedNetworks) });
  const store = await openStore(config, log);
  const exporter = openExporter(config, runtime, log);
  const plane = new ControlPlane({
    store,
    runtime,
    log,
    rateLimit: { perSecond: config.rateLimitPerSecond, burst: config.rateLimitBurst },
    drainTimeoutMs: config.drainTimeoutMs,
    retentionDays: config.retentionDays,
    webhookTransport,
    publicUrl: config.publicUrl,
    observers: [
      ...(config.logLevel === "debug" ? [logObserver(log)] : []),
      ...(exporter === undefined ? [] : [spanObserver((span) => exporter.add(span), runtime.nowMs)]),
    ],
  });
  const stop = async (): Promise<void> => {
    log.info({}, "stopping");
    await plane.stop();
    await exporter?.flush();
    log.info({}, "stopped");
  };
  try {
    const firstKey = await ensureFirstKey({ store, keys: plane.services.keys, runtime, given: config.firstKey });
    const origin = await plane.listen(config);
    const durationMs = Math.round(performance.now() - startedMs);
    log.info({ origin, store: store.kind, version: VERSION, durationMs }, "listening");
    let stopping: Promise<void> | undefined;
    return {
      origin,
      storeKind: store.kind,
      firstKey: firstKey === config.firstKey ? undefined : firstKey,
      issueKey: ({ workspaceId = FIRST_WORKSPACE, ...key }) => plane.services.keys.issue({ ...key, workspaceId }),
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    await plane.stop();
    throw error;
  }
}

function networksOf(text: string | undefined): readonly string[] {
  return (text ?? "").split(/[\s,]+/).filter((network) => network !== "");
}

function openExporter(config: ServerConfig, runtime: ServerRuntime, log: ServerLog): SpanExporter | undefined {
  const { tracesEndpoint: endpoint, tracesHeaders: headers } = config;
  return endpoint === undefined ? undefined : new SpanExporter({ endpoint, headers, runtime, log, fetch });
}

function logObserver(log: ServerLog): RequestObserver {
  return ({ headers: _headers, ...request }) => log.debug(request, "request");
}
