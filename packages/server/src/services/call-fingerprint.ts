import { createHash } from "node:crypto";
import { canonicalJson } from "@handlebar/engine";
import type { Actor, JsonValue } from "@handlebar/protocol";

/** What an approval is bound to. */
export interface BoundCall {
  /** Slug. */
  readonly agent: string;
  readonly tool: string;
  readonly args: JsonValue;
  readonly actor?: Actor | undefined;
}

/** SHA-256 (hex) of agent, tool, canonical arguments and actor, as clients reckon it; `undefined` for arguments that are too large. */
export function callFingerprint({ agent, tool, args, actor }: BoundCall): string | undefined {
  const text = canonicalJson([agent, tool, args, actor?.externalId ?? null]);
  return text === undefined ? undefined : createHash("sha256").update(text).digest("hex");
}
