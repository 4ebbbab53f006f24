/** What came of one request. */
export type WebhookAnswer =
  | { readonly kind: "answered"; readonly status: number; readonly retryAfterSeconds?: number | undefined }
  /** Nothing was answered, or nothing was sent; safe to show. */
  | { readonly kind: "failed"; readonly reason: string };

export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}

/** The one door through which webhooks are reached. It never throws, follows no redirect, and reaches no network that it should not. */
export interface WebhookTransport {
  /** Why nothing is sent to a URL whatever its name stands for; `undefined` where something may be. */
  refusalOf(url: string): string | undefined;
  send(request: WebhookRequest): Promise<WebhookAnswer>;
}
