import type { Scope } from "@handlebar/protocol";
import { ControlPlane } from "./life/control-plane.ts";
import type { ControlPlaneDeps } from "./life/control-plane-deps.ts";
import { createLog } from "./life/logger.ts";
import { processRuntime } from "./life/process-runtime.ts";
import { AGENT_SCOPES } from "./services/principal.ts";
import type { ServerRuntime } from "./services/server-runtime.ts";
import type { Services } from "./services/services.ts";
import { openTestPostgresStore } from "./storage/postgres-store.test-support.ts";
import type { Store } from "./storage/store.ts";
import { isPostgresRun, openTestStore, TEST_WORKSPACE } from "./storage/test-store.test-support.ts";

export interface TestAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; `undefined` where the answer is empty. */
  readonly body: unknown;
}

export interface TestRequest {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as they are, in place of `body`. */
  readonly bytes?: Uint8Array<ArrayBuffer> | undefined;
  /** An API key; default the workspace's admin key; `null` sends none. */
  readonly key?: string | null | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A control plane on a free port of this machine, over a real store. */
export interface TestServer {
  readonly origin: string;
  readonly store: Store;
  readonly runtime: ServerRuntime;
  readonly services: Services;
  readonly workspaceId: string;
  /** Keys of the workspace: one that may everything, and one as an SDK has it. */
  readonly keys: { readonly admin: string; readonly agent: string };
  call(method: string, path: string, request?: TestRequest): Promise<TestAnswer>;
  /** A request whose body is read by the caller, such as an event stream. */
  open(method: string, path: string, request?: TestRequest): Promise<Response>;
  /** A key with these scopes, in a workspace that is made where it does not exist. */
  keyFor(scopes: readonly Scope[], workspaceId?: string): Promise<string>;
  /** Stops the server and closes the store. */
  stop(): Promise<void>;
}

export interface TestServerOptions extends Partial<Omit<ControlPlaneDeps, "store">> {
  /** Default: a new store of its own, SQLite unless the tests run on PostgreSQL. */
  readonly store?: Store | undefined;
  /** Processes that requests go to in turn. Default 1; 2 where the tests run on PostgreSQL and limits per process are not what is tested. */
  readonly replicaCount?: number | undefined;
}

interface TestStores {
  /** One for each process. */
  readonly stores: readonly Store[];
  close(): Promise<void>;
}

async function openStores(given: Store | undefined, count: number): Promise<TestStores> {
  if (given === undefined && count > 1) {
    const { store, replica, close } = await openTestPostgresStore();
    const others: Store[] = [];
    for (let at = 1; at < count; at++) others.push(await replica());
    return { stores: [store, ...others], close };
  }
  const store = given ?? (await openTestStore());
  return { stores: [store], close: async () => undefined };
}

/** Starts a whole server. Stop it in the same test, or in `afterEach`. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { store: given, replicaCount, ...deps } = options;
  const count = replicaCount ?? (isPostgresRun() && given === undefined && deps.rateLimit === undefined ? 2 : 1);
  const { stores, close } = await openStores(given, count);
  const runtime = deps.runtime ?? processRuntime();
  const planes = stores.map(
    (store) =>
      new ControlPlane({
        log: createLog("silent"),
        rateLimit: { perSecond: 100_000, burst: 100_000 },
        drainTimeoutMs: 5000,
        retentionDays: 0,
        ...deps,
        store,
        runtime,
      }),
  );
  const [plane] = planes;
  const [store] = stores;
  if (plane === undefined || store === undefined) throw new Error("a test server needs at least one process");
  const { services } = plane;
  const workspaceId = TEST_WORKSPACE;
  const workspaceIds = new Set([workspaceId]);
  const keyFor = async (scopes: readonly Scope[], workspace: string = workspaceId): Promise<string> => {
    workspaceIds.add(workspace);
    await store.workspaces.create({ workspaceId: workspace, name: workspace, createdAtMs: runtime.nowMs() });
    return (await services.keys.issue({ workspaceId: workspace, name: scopes.join(" "), scopes })).secret;
  };
  const keys = { admin: await keyFor(["admin"]), agent: await keyFor(AGENT_SCOPES) };
  const origins: string[] = [];
  for (const one of planes) origins.push(await one.listen({ host: "127.0.0.1", port: 0 }));
  let turn = 0;
  const open = async (method: string, path: string, request: TestRequest = {}): Promise<Response> => {
    const origin = origins[turn++ % origins.length] ?? "";
    const response = await fetch(`${origin}${path}`, requestInit(method, request, keys.admin));
    // What one process answered, the next request finds at the other one, however soon it comes.
    if (method !== "GET" && planes.length > 1) {
      await Promise.all(planes.flatMap((one) => [...workspaceIds].map((id) => one.services.feed.refresh(id))));
    }
    return response;
  };
  return {
    origin: origins[0] ?? "",
    store,
    runtime,
    services,
    workspaceId,
    keys,
    open,
    call: async (method, path, request) => readAnswer(await open(method, path, request)),
    keyFor,
    stop: async () => {
      await Promise.all(planes.map((one) => one.stop()));
      await close();
    },
  };
}

function requestInit(
  method: string,
  { body, bytes, key, headers, signal }: TestRequest,
  adminKey: string,
): RequestInit {
  const sent = bytes ?? (body === undefined ? undefined : JSON.stringify(body));
  return {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key ?? adminKey}` }),
      ...(sent === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
    ...(signal === undefined ? {} : { signal }),
  };
}

async function readAnswer(response: Response): Promise<TestAnswer> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}
