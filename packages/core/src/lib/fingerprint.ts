import { canonicalJson } from "@handlebar/engine";
import type { Actor, JsonValue } from "@handlebar/protocol";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** What an approval is bound to. */
export interface FingerprintSubject {
  readonly agent: string;
  readonly tool: string;
  /** Plain JSON. */
  readonly args: JsonValue;
  readonly actor: Actor | undefined;
}

/**
 * SHA-256 (hex) of agent, tool, canonical arguments (RFC 8785) and the actor's `externalId`. Equal for equal calls
 * whatever the order of their keys; `undefined` where the arguments are too large to be read whole, so that no approval
 * can be bound to them.
 */
export function fingerprint(subject: FingerprintSubject): string | undefined {
  const text = canonicalJson([subject.agent, subject.tool, subject.args, subject.actor?.externalId ?? null]);
  return text === undefined ? undefined : sha256Hex(text);
}

/** SHA-256 of a text's UTF-8 form, in lower-case hex. */
export function sha256Hex(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}
