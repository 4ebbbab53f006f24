import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { WEBHOOK_SIZE_BYTES_MAX } from "../limits.ts";
import type { WebhookAnswer, WebhookRequest, WebhookTransport } from "../services/webhook-transport.ts";
import { AddressGuard } from "./address-guard.ts";

export interface WebhookTransportOptions {
  /** Networks beyond the public ones that may be reached, such as `10.1.0.0/16`. */
  readonly allowedNetworks: readonly string[];
  /** Default: the system's resolver. */
  readonly resolve?: ((host: string) => Promise<readonly LookupAddress[]>) | undefined;
}

/**
 * Reaches webhooks over the network, and nothing within it: a name is looked up once, each address that it stands for must be open, and the request
 * goes to that very address, whatever the name stands for a moment later. Redirects are not followed.
 * @throws HandlebarError `HB_CONFIG_INVALID` where a network is none.
 */
export function openWebhookTransport(options: WebhookTransportOptions): WebhookTransport {
  const guard = new AddressGuard(options.allowedNetworks);
  const resolve = options.resolve ?? ((host) => lookup(host, { all: true, order: "verbatim" }));
  return {
    refusalOf: (url) => refusalOf(url, guard),
    send: async (request) => {
      const refused = refusalOf(request.url, guard);
      if (refused !== undefined) return failed(refused);
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), request.timeoutMs);
      try {
        return await withinTime(abort.signal, async () => {
          const url = new URL(request.url);
          const address = await pick(url, { guard, resolve });
          return typeof address === "string"
            ? failed(address)
            : await post(request, { url, address, signal: abort.signal });
        });
      } catch (error) {
        return failed(abort.signal.aborted ? "no answer in time" : reasonOf(error));
      } finally {
        clearTimeout(timer);
        abort.abort();
      }
    },
  };
}

/** What can be said of a URL before its name is looked up. */
function refusalOf(text: string, guard: AddressGuard): string | undefined {
  if (!URL.canParse(text)) return "is not a URL";
  const { protocol, username, password, hostname } = new URL(text);
  if (protocol !== "https:" && protocol !== "http:") return "must begin with `https://`";
  if (username !== "" || password !== "")
    return "must not hold a user name or a password; receivers know us by the signature";
  const host = bare(hostname);
  if (isIP(host) === 0) return undefined;
  if (!guard.isOpen(host)) return CLOSED;
  return protocol === "http:" && !guard.isAllowed(host) ? PLAIN : undefined;
}

const CLOSED =
  "leads into a network that is not public; a server that should reach it names it in `webhookAllowedNetworks`";
const PLAIN = "must begin with `https://`; `http://` is for networks named in `webhookAllowedNetworks` alone";

/** The address that the request goes to, or why it goes nowhere. */
async function pick(
  { hostname, protocol }: URL,
  {
    guard,
    resolve,
  }: { readonly guard: AddressGuard; readonly resolve: (host: string) => Promise<readonly LookupAddress[]> },
): Promise<LookupAddress | string> {
  const host = bare(hostname);
  const family = isIP(host);
  const addresses = family === 0 ? await resolve(host) : [{ address: host, family }];
  // One closed address among them is a sign of an attack: which one is taken would be up to chance.
  if (!addresses.every(({ address }) => guard.isOpen(address))) return CLOSED;
  const [first] = addresses;
  if (first === undefined) return "its name stands for no address";
  const isPlain = protocol === "http:" && !addresses.every(({ address }) => guard.isAllowed(address));
  return isPlain ? PLAIN : first;
}

function post(
  { headers, body }: WebhookRequest,
  { url, address, signal }: { readonly url: URL; readonly address: LookupAddress; readonly signal: AbortSignal },
): Promise<WebhookAnswer> {
  const pinned: LookupFunction = (_host, { all }, done) => {
    if (all === true) done(null, [address]);
    else done(null, address.address, address.family);
  };
  const options: RequestOptions = {
    method: "POST",
    headers: { ...headers, "content-length": Buffer.byteLength(body) },
    lookup: pinned,
    // No connection is kept: the next request looks the name up anew.
    agent: false,
    signal,
  };
  return new Promise((settle, reject) => {
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    const request = send(url, options, (response) => {
      drain(response, () => settle(answerOf(response)));
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Lets the receiver finish its answer within bounds; nothing of it is kept. */
function drain(response: IncomingMessage, done: () => void): void {
  let sizeBytes = 0;
  response.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > WEBHOOK_SIZE_BYTES_MAX) response.destroy();
  });
  // The status is known already, however the rest ends.
  response.on("error", done);
  response.on("close", done);
}

function answerOf({ statusCode = 0, headers }: IncomingMessage): WebhookAnswer {
  const text = headers["retry-after"] ?? "";
  const retryAfterSeconds = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  return { kind: "answered", status: statusCode, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
}

/** What cannot be aborted, such as the look-up of a name, is not waited for. */
function withinTime<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return new Promise((settle, reject) => {
    signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
    work().then(settle, reject);
  });
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function failed(reason: string): WebhookAnswer {
  return { kind: "failed", reason };
}

/** The kind of failure, such as `ECONNREFUSED`, and no more: what the network says can tell of what is within it. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? `could not be reached (${code})` : "could not be reached";
}
