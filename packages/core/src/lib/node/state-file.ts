import { createHash, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { lockdownSchema, policySchema } from "@handlebar/protocol";
import * as z from "zod";
import type { CachedState, StateScope } from "../state-cache.ts";

const cachedStateSchema = z.strictObject({
  version: z.literal(1),
  confirmedAtMs: z.number(),
  revision: z.int().min(0).optional(),
  policies: z.array(policySchema),
  lockdownRevision: z.int().min(0),
  lockdowns: z.array(lockdownSchema),
});

/** The name of a scope's file: the same for every process of the agent, and says nothing of the key. */
export function stateFileName(scope: StateScope): string {
  const text = JSON.stringify([scope.endpoint, signingKey(scope).toString("hex"), scope.agent]);
  return `state-${createHash("sha256").update(text).digest("hex").slice(0, 32)}.json`;
}

/** A state as its file holds it: a signature on the first line, the state as JSON on the second. */
export function formatStateFile(scope: StateScope, state: CachedState): string {
  const json = JSON.stringify({ version: 1, ...state });
  return `${sign(scope, json).toString("hex")}\n${json}\n`;
}

/** The state in a file's text; `undefined` when it was not written whole by a holder of the key. */
export function parseStateFile(scope: StateScope, text: string): CachedState | undefined {
  const [signature = "", json = ""] = text.split("\n");
  const given = Buffer.from(signature, "hex");
  const expected = sign(scope, json);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const parsed = cachedStateSchema.safeParse(JSON.parse(json));
  if (!parsed.success) return undefined;
  const { version: _, ...state } = parsed.data;
  return state;
}

function sign(scope: StateScope, json: string): Buffer {
  return createHmac("sha256", signingKey(scope)).update(`${scope.endpoint}\n${scope.agent}\n${json}`).digest();
}

function signingKey({ apiKey }: StateScope): Buffer {
  return Buffer.from(hkdfSync("sha256", apiKey, "", "handlebar state file 1", 32));
}
