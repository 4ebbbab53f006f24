import type { Scope } from "@handlebar/protocol";
import { KEY_CACHE_ENTRY_COUNT_MAX } from "../limits.ts";
import { holds, type Principal } from "../services/principal.ts";
import { ServiceProblem } from "../services/problem.ts";
import { type RateLimit, TokenBuckets } from "../services/token-buckets.ts";

export interface KeyReader {
  /** Who holds a key. @throws ServiceProblem `HB_API_AUTH`. */
  authenticate(text: string): Principal | Promise<Principal>;
  /** Whether a key that was let in still works. */
  isWorking(keyId: string): Promise<boolean>;
}

/** Lets requests in: by their key, as often as it may. */
export class Gate {
  readonly #keys: KeyReader;
  readonly #buckets: TokenBuckets;
  readonly #monotonicMs: () => number;

  constructor(keys: KeyReader, limit: RateLimit, monotonicMs: () => number) {
    this.#keys = keys;
    this.#buckets = new TokenBuckets(limit, KEY_CACHE_ENTRY_COUNT_MAX);
    this.#monotonicMs = monotonicMs;
  }

  /** @throws ServiceProblem `HB_API_AUTH`, `HB_RATE_LIMITED`, `HB_KEY_SCOPE`. */
  async enter(
    authorization: string | null,
    { scope, orScopes = [] }: { readonly scope?: Scope | undefined; readonly orScopes?: readonly Scope[] | undefined },
  ): Promise<Principal> {
    const principal = await this.#keys.authenticate(bearerToken(authorization));
    const waitMs = this.#buckets.take(principal.keyId, this.#monotonicMs());
    if (waitMs > 0) {
      const message = "this API key makes more requests than it may; wait, or raise `rateLimit` on the server";
      throw new ServiceProblem("too-many", "HB_RATE_LIMITED", { message, retryAfterSeconds: waitMs / 1000 });
    }
    if (scope === undefined || [scope, ...orScopes].some((one) => holds(principal, one))) return principal;
    const message = `this API key lacks the scope \`${scope}\`; use a key that has it`;
    throw new ServiceProblem("forbidden", "HB_KEY_SCOPE", { message });
  }
}

function bearerToken(authorization: string | null): string {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1] ?? "";
}
