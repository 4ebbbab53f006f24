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

/** The file of one scope: its name, and what it holds. */
export class StateFile {
  readonly name: string;
  readonly #scope: StateScope;
  readonly #key: Buffer;

  constructor(scope: StateScope) {
    this.#scope = scope;
    this.#key = Buffer.from(hkdfSync("sha256", scope.apiKey, "", "handlebar state file 1", 32));
    // The same for every process of the agent, and says nothing of the key.
    const text = JSON.stringify([scope.endpoint, this.#key.toString("hex"), scope.agent]);
    this.name = `state-${createHash("sha256").update(text).digest("hex").slice(0, 32)}.json`;
  }

  /** A state as the file holds it: a signature on the first line, the state as JSON on the second. */
  format(state: CachedState): string {
    const json = JSON.stringify({ version: 1, ...state });
    return `${this.#sign(json).toString("hex")}\n${json}\n`;
  }

  /** The state in the file's text; `undefined` when it was not written whole by a holder of the key. */
  parse(text: string): CachedState | undefined {
    const [signature = "", json = ""] = text.split("\n");
    const given = Buffer.from(signature, "hex");
    const expected = this.#sign(json);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    const parsed = cachedStateSchema.safeParse(JSON.parse(json));
    if (!parsed.success) return undefined;
    const { version: _, ...state } = parsed.data;
    return state;
  }

  #sign(json: string): Buffer {
    const { endpoint, agent } = this.#scope;
    return createHmac("sha256", this.#key).update(`${endpoint}\n${agent}\n${json}`).digest();
  }
}
