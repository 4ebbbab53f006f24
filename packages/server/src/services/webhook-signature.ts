import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const PREFIX = "whsec_";
const SECRET_SIZE_BYTES = 32;
/** Longer ago, or further ahead, a request is taken for a replayed one. */
const TOLERANCE_SECONDS = 300;

/** What is signed: one request of one message. */
export interface SignedMessage {
  readonly messageId: string;
  /** Unix time of this attempt. */
  readonly timestampSeconds: number;
  /** Exactly as it is sent. */
  readonly body: string;
}

/** A new secret: 256 random bits. */
export function newWebhookSecret(): string {
  return `${PREFIX}${randomBytes(SECRET_SIZE_BYTES).toString("base64")}`;
}

/** The headers of a request as the Standard Webhooks scheme has them, with a signature by each secret. */
export function signedHeaders(message: SignedMessage, secrets: readonly string[]): Readonly<Record<string, string>> {
  return {
    "webhook-id": message.messageId,
    "webhook-timestamp": String(message.timestampSeconds),
    "webhook-signature": secrets.map((secret) => `v1,${sign(message, secret)}`).join(" "),
  };
}

/** Whether a request was signed with the secret, by the Standard Webhooks scheme, within five minutes of now. */
export function verifyWebhook(
  request: { readonly headers: Headers; readonly body: string },
  { secret, nowSeconds }: { readonly secret: string; readonly nowSeconds: number },
): boolean {
  const { headers, body } = request;
  const messageId = headers.get("webhook-id");
  const timestamp = headers.get("webhook-timestamp") ?? "";
  if (messageId === null || !/^\d{1,12}$/.test(timestamp)) return false;
  const timestampSeconds = Number(timestamp);
  if (Math.abs(nowSeconds - timestampSeconds) > TOLERANCE_SECONDS) return false;
  const expected = Buffer.from(sign({ messageId, timestampSeconds, body }, secret), "base64");
  const signatures = (headers.get("webhook-signature") ?? "").split(" ");
  return signatures.some((text) => {
    const [version, signature = ""] = text.split(",", 2);
    const given = Buffer.from(signature, "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

function sign({ messageId, timestampSeconds, body }: SignedMessage, secret: string): string {
  const key = Buffer.from(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret, "base64");
  return createHmac("sha256", key).update(`${messageId}.${timestampSeconds}.${body}`).digest("base64");
}
