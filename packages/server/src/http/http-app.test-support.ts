import type { Route } from "../routes/route.ts";
import type { Principal } from "../services/principal.ts";
import { ServiceProblem } from "../services/problem.ts";
import { HttpApp, type HttpAppDeps } from "./http-app.ts";

export const TEST_TOKEN = "token";
export const TEST_PRINCIPAL: Principal = { workspaceId: "w1", keyId: "k1", scopes: new Set(["check", "read"]) };

/** An app with these routes, a key that may `check` and `read`, and a clock of its own. */
export function serveRoutes(routes: readonly Route[], deps: Partial<HttpAppDeps> = {}): HttpApp {
  let ids = 0;
  return new HttpApp({
    routes,
    keys: {
      authenticate(text) {
        if (text === TEST_TOKEN) return TEST_PRINCIPAL;
        throw new ServiceProblem("unauthenticated", "HB_API_AUTH", { message: "no such key" });
      },
      isWorking: async () => true,
    },
    runtime: { monotonicMs: () => 0, newId: () => `id-${++ids}` },
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    rateLimit: { perSecond: 1000, burst: 1000 },
    observers: [],
    pages: new Map(),
    ...deps,
  });
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** One request to an app, without a port. */
export async function call(
  app: HttpApp,
  method: string,
  path: string,
  {
    body,
    bytes,
    token = TEST_TOKEN,
    headers,
  }: {
    readonly body?: unknown;
    readonly bytes?: Uint8Array<ArrayBuffer>;
    readonly token?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<Answered> {
  const sent = bytes ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await app.fetch(
    new Request(`http://localhost${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(sent === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    }),
  );
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}
