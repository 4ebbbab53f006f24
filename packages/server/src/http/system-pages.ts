import type { Route } from "../routes/route.ts";
import { VERSION } from "../version.ts";
import { APPROVAL_PAGE, APPROVAL_PAGE_HEADERS } from "./approval-page.ts";
import { DOCS_CONTENT_POLICY, docsPage } from "./docs-page.ts";
import type { Page } from "./http-app.ts";
import { createOpenApi, type OpenApiDocument } from "./openapi.ts";

export interface SystemPageDeps {
  readonly routes: readonly Route[];
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly readiness: {
    report(): Promise<{ readonly isReady: boolean; readonly checks: Readonly<Record<string, boolean>> }>;
  };
}

const NO_STORE = { "cache-control": "no-store" } as const;
const JSON_TYPE = { "content-type": "application/json", ...NO_STORE } as const;

/** What needs no key: whether the process lives and is ready, its figures, and its documentation. */
export function systemPages({
  routes,
  metrics,
  readiness,
}: SystemPageDeps): ReadonlyMap<string, () => Page | Promise<Page>> {
  let document: OpenApiDocument | undefined;
  // Made at the first request: most processes are never asked.
  const openApi = (): OpenApiDocument => {
    document ??= createOpenApi(routes);
    return document;
  };
  return new Map<string, () => Page | Promise<Page>>([
    ["/healthz", () => ({ status: 200, headers: JSON_TYPE, text: JSON.stringify({ status: "ok", version: VERSION }) })],
    [
      "/readyz",
      async () => {
        const { isReady, checks } = await readiness.report();
        const text = JSON.stringify({ status: isReady ? "ready" : "not ready", checks });
        return { status: isReady ? 200 : 503, headers: JSON_TYPE, text };
      },
    ],
    [
      "/metrics",
      async () => ({
        status: 200,
        headers: { "content-type": metrics.contentType, ...NO_STORE },
        text: await metrics.text(),
      }),
    ],
    ["/approvals/:approvalId", () => ({ status: 200, headers: APPROVAL_PAGE_HEADERS, text: APPROVAL_PAGE })],
    ["/openapi.json", () => ({ status: 200, headers: JSON_TYPE, text: JSON.stringify(openApi()) })],
    [
      "/docs",
      () => ({
        status: 200,
        headers: {
          "content-type": "text/html; charset=utf-8",
          "content-security-policy": DOCS_CONTENT_POLICY,
          ...NO_STORE,
        },
        text: docsPage(openApi()),
      }),
    ],
  ]);
}
