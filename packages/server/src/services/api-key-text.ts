import { createHash, randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import { API_KEY_PATTERN } from "@handlebar/protocol";

const KEY_ID_LENGTH = 10;
const KEY_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
const SECRET_SIZE_BYTES = 32;

/** The two parts of a key's text. */
export interface ApiKeyText {
  readonly keyId: string;
  readonly secret: string;
}

/** A new key: 256 random bits as its secret. */
export function newApiKeyText(): ApiKeyText {
  let keyId = "";
  while (keyId.length < KEY_ID_LENGTH) keyId += KEY_ID_LETTERS[randomInt(KEY_ID_LETTERS.length)];
  return { keyId, secret: randomBytes(SECRET_SIZE_BYTES).toString("base64url") };
}

export function formatApiKey({ keyId, secret }: ApiKeyText): string {
  return `hb_${keyId}_${secret}`;
}

/** `undefined` for what cannot be a key. */
export function parseApiKey(text: string): ApiKeyText | undefined {
  const [, keyId, secret] = API_KEY_PATTERN.exec(text) ?? [];
  return keyId === undefined || secret === undefined ? undefined : { keyId, secret };
}

/** SHA-256 in hex; the secret has 256 random bits, so that a slow hash would add nothing. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Compares in constant time. */
export function isSecretOf(secret: string, secretHash: string): boolean {
  const given = Buffer.from(hashSecret(secret), "latin1");
  const kept = Buffer.from(secretHash, "latin1");
  return given.length === kept.length && timingSafeEqual(given, kept);
}
