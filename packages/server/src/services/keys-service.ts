import type { ApiKey, CreatedKey, CreateKeyBody, CurrentKeyAnswer, RotateKeyBody, Scope } from "@handlebar/protocol";
import { KEY_CACHE_ENTRY_COUNT_MAX, KEY_TOUCH_EVERY_MS, UNKNOWN_KEY_LOOKUPS_PER_SECOND_MAX } from "../limits.ts";
import type { KeyRecord } from "../storage/keys-table.ts";
import type { Store } from "../storage/store.ts";
import { type ApiKeyText, formatApiKey, hashSecret, isSecretOf, newApiKeyText, parseApiKey } from "./api-key-text.ts";
import { type AuditHand, auditHand } from "./audit-story.ts";
import { type CachedKey, KeyCache } from "./key-cache.ts";
import { keyCreated, keyRevokedTold, keyRotatedTold } from "./key-story.ts";
import { AGENT_SCOPES, holds, type Principal, readScopes } from "./principal.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import { TokenBuckets } from "./token-buckets.ts";

/** All guesses share one limit. */
const GUESSES = "guesses";

export interface KeysServiceDeps {
  readonly store: Pick<Store, "keys" | "workspaces">;
  readonly runtime: ServerRuntime;
}

type NewKey = Pick<KeyRecord, "workspaceId" | "name" | "scopes" | "expiresAtMs" | "person">;

interface MadeKey {
  readonly record: KeyRecord;
  readonly created: CreatedKey;
}

/** API keys: who asks, and what they may. */
export class KeysService {
  readonly #store: Pick<Store, "keys" | "workspaces">;
  readonly #runtime: ServerRuntime;
  readonly #cache: KeyCache;
  readonly #guesses = new TokenBuckets(
    { perSecond: UNKNOWN_KEY_LOOKUPS_PER_SECOND_MAX, burst: UNKNOWN_KEY_LOOKUPS_PER_SECOND_MAX },
    1,
  );
  /** Uses that are not written yet, and when each key's last one was, by key. */
  readonly #uses = new Map<string, { readonly workspaceId: string; readonly keyId: string; readonly atMs: number }>();
  readonly #notedAtMs = new Map<string, number>();

  constructor({ store, runtime }: KeysServiceDeps) {
    this.#store = store;
    this.#runtime = runtime;
    this.#cache = new KeyCache(store.keys, runtime);
  }

  /**
   * Who holds this key. Answers at once for a key that is at hand.
   * @throws ServiceProblem `HB_API_AUTH` for what is no key that works now; `HB_RATE_LIMITED` where guesses come too fast.
   */
  authenticate(text: string): Principal | Promise<Principal> {
    const given = parseApiKey(text);
    if (given === undefined) throw noKey();
    const known = this.#cache.peek(given.keyId);
    return known === "unread" ? this.#read(given) : this.#verify(given, known);
  }

  /** Whether a key that was let in still works. */
  async isWorking(keyId: string): Promise<boolean> {
    const known = this.#cache.peek(keyId);
    const key = known === "unread" ? await this.#cache.read(keyId) : known;
    return key !== undefined && works(key.record, this.#runtime.nowMs());
  }

  /** Takes up what another request or process changed. */
  forget(keyId: string): void {
    this.#cache.forget(keyId);
  }

  /** Takes up that anything may have changed. */
  forgetAll(): void {
    this.#cache.forgetAll();
  }

  async create(principal: Principal, body: CreateKeyBody): Promise<CreatedKey> {
    const scopes = body.scopes ?? AGENT_SCOPES;
    const beyond = scopes.find((scope) => !holds(principal, scope));
    if (beyond !== undefined) {
      const message = `a key cannot give the scope \`${beyond}\`, which it lacks; use a key that has it`;
      throw new ServiceProblem("forbidden", "HB_KEY_SCOPE", { message, field: "scopes" });
    }
    const { name, person } = body;
    if (principal.person !== undefined && person !== undefined && person !== principal.person) {
      const message = `a key of \`${principal.person}\` cannot make one of somebody else; use a key that is nobody's`;
      throw new ServiceProblem("forbidden", "HB_KEY_SCOPE", { message, field: "person" });
    }
    const expiresAtMs = this.#endOf(body.expiresAt);
    const { workspaceId } = principal;
    const key = { workspaceId, name, scopes, expiresAtMs, person: person ?? principal.person };
    return this.#create(key, auditHand(this.#runtime, principal));
  }

  async list({ workspaceId }: Principal): Promise<readonly ApiKey[]> {
    return (await this.#store.keys.list(workspaceId)).map(toApiKey);
  }

  /** The key that asks. */
  async current({ workspaceId, keyId }: Principal): Promise<CurrentKeyAnswer> {
    const [record, workspace] = await Promise.all([
      this.#find(workspaceId, keyId),
      this.#store.workspaces.get(workspaceId),
    ]);
    return { workspace: { workspaceId, name: workspace?.name ?? workspaceId }, key: toApiKey(record) };
  }

  /** A new key with the name and scopes of an old one, which works for some seconds more. */
  async rotate(principal: Principal, keyId: string, body: RotateKeyBody): Promise<CreatedKey> {
    const old = await this.#find(principal.workspaceId, keyId);
    this.#mustReach(principal, old);
    const nowMs = this.#runtime.nowMs();
    if (!works(old, nowMs)) {
      const message = `the key \`${keyId}\` does not work any more; create a new one`;
      throw new ServiceProblem("conflict", "HB_CONFLICT", { message, field: "keyId" });
    }
    const expiresAtMs = body.expiresAt === undefined ? old.expiresAtMs : this.#endOf(body.expiresAt);
    const { workspaceId, name, scopes, person } = old;
    const made = this.#make({ workspaceId, name, scopes, expiresAtMs, person });
    const graceEndMs = nowMs + (body.graceSeconds ?? 0) * 1000;
    const end =
      graceEndMs > nowMs
        ? { expiresAtMs: Math.min(graceEndMs, old.expiresAtMs ?? graceEndMs) }
        : { revokedAtMs: nowMs };
    const tell = keyRotatedTold(auditHand(this.#runtime, principal), made.record);
    await this.#store.keys.replace(workspaceId, keyId, { ...end, by: made.record, tell });
    this.#cache.forget(keyId);
    this.#cache.forget(made.record.keyId);
    return made.created;
  }

  /** The key ends to work now, in this process before this resolves and in others as the change reaches them. */
  async revoke(principal: Principal, keyId: string): Promise<void> {
    const record = await this.#find(principal.workspaceId, keyId);
    this.#mustReach(principal, record);
    if (record.revokedAtMs === undefined) {
      const hand = auditHand(this.#runtime, principal);
      const end = { revokedAtMs: hand.nowMs, tell: keyRevokedTold(hand) };
      await this.#store.keys.end(principal.workspaceId, keyId, end);
    }
    this.#cache.forget(keyId);
  }

  /** A key for whoever runs the server itself, in any workspace; `text` where its text is given. */
  async issue(
    key: { readonly workspaceId: string; readonly name: string; readonly scopes: readonly Scope[] },
    text: ApiKeyText = newApiKeyText(),
  ): Promise<CreatedKey> {
    return this.#create({ ...key, expiresAtMs: undefined }, auditHand(this.#runtime), text);
  }

  /** Writes when keys were last used. */
  async flushUses(): Promise<void> {
    const uses = [...this.#uses.values()];
    this.#uses.clear();
    if (uses.length > 0) await this.#store.keys.touch(uses);
  }

  async #read(given: ApiKeyText): Promise<Principal> {
    const isGuess = !this.#cache.wasKnown(given.keyId);
    if (isGuess) this.#limitGuesses();
    const principal = this.#verify(given, await this.#cache.read(given.keyId));
    if (isGuess) this.#guesses.giveBack(GUESSES);
    return principal;
  }

  #limitGuesses(): void {
    const waitMs = this.#guesses.take(GUESSES, this.#runtime.monotonicMs());
    if (waitMs === 0) return;
    const message = "too many keys that nobody knows were tried; wait";
    throw new ServiceProblem("too-many", "HB_RATE_LIMITED", { message, retryAfterSeconds: waitMs / 1000 });
  }

  #verify(given: ApiKeyText, key: CachedKey | undefined): Principal {
    if (key === undefined || !isSecretOf(given.secret, key.record.secretHash)) throw noKey();
    const nowMs = this.#runtime.nowMs();
    if (key.record.revokedAtMs !== undefined) throw noKey("was revoked");
    if (!works(key.record, nowMs)) throw noKey("has expired");
    this.#noteUse(key.principal, nowMs);
    return key.principal;
  }

  #noteUse({ workspaceId, keyId }: Principal, nowMs: number): void {
    const notedAtMs = this.#notedAtMs.get(keyId);
    if (notedAtMs !== undefined && nowMs - notedAtMs < KEY_TOUCH_EVERY_MS) return;
    if (this.#notedAtMs.size >= KEY_CACHE_ENTRY_COUNT_MAX) this.#notedAtMs.clear();
    this.#notedAtMs.set(keyId, nowMs);
    this.#uses.set(keyId, { workspaceId, keyId, atMs: nowMs });
  }

  async #find(workspaceId: string, keyId: string): Promise<KeyRecord> {
    const record = await this.#store.keys.find(keyId);
    if (record?.workspaceId === workspaceId) return record;
    const message = `there is no key \`${keyId}\`; \`GET /v1/keys\` lists them`;
    throw new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field: "keyId" });
  }

  /** Whoever could take over a key that may do more would have that key's rights. */
  #mustReach(principal: Principal, record: KeyRecord): void {
    const isTheirs = principal.person === undefined || principal.person === record.person;
    if (isTheirs && readScopes(record.scopes).every((scope) => holds(principal, scope))) return;
    const message =
      "a key cannot rotate or revoke one that may do more or is another person's; use a key with the scope `admin` that is nobody's";
    throw new ServiceProblem("forbidden", "HB_KEY_SCOPE", { message, field: "keyId" });
  }

  #endOf(expiresAt: string | undefined): number | undefined {
    if (expiresAt === undefined) return undefined;
    const expiresAtMs = Date.parse(expiresAt);
    if (expiresAtMs > this.#runtime.nowMs()) return expiresAtMs;
    const message = "`expiresAt` must be a time to come";
    throw new ServiceProblem("invalid", "HB_REQUEST_INVALID", { message, field: "expiresAt" });
  }

  async #create(key: NewKey, hand: AuditHand, text?: ApiKeyText): Promise<CreatedKey> {
    const { record, created } = this.#make(key, text);
    await this.#store.keys.create(record, keyCreated(hand, record));
    this.#cache.forget(record.keyId);
    return created;
  }

  #make({ person, ...key }: NewKey, text: ApiKeyText = newApiKeyText()): MadeKey {
    const record: KeyRecord = {
      ...key,
      keyId: text.keyId,
      secretHash: hashSecret(text.secret),
      createdAtMs: this.#runtime.nowMs(),
      lastUsedAtMs: undefined,
      revokedAtMs: undefined,
      replacedBy: undefined,
      ...(person === undefined ? {} : { person }),
    };
    return { record, created: { key: toApiKey(record), secret: formatApiKey(text) } };
  }
}

function works(record: KeyRecord, nowMs: number): boolean {
  return record.revokedAtMs === undefined && (record.expiresAtMs === undefined || record.expiresAtMs > nowMs);
}

function noKey(why?: string): ServiceProblem {
  const message =
    why === undefined
      ? "the API key is missing or wrong; send `Authorization: Bearer hb_...`"
      : `the API key ${why}; create or rotate one with \`handlebar keys\``;
  return new ServiceProblem("unauthenticated", "HB_API_AUTH", { message });
}

function toApiKey(record: KeyRecord): ApiKey {
  const { keyId, name, person, replacedBy } = record;
  return {
    keyId,
    name,
    scopes: readScopes(record.scopes),
    ...(person === undefined ? {} : { person }),
    createdAt: isoTime(record.createdAtMs),
    ...(record.expiresAtMs === undefined ? {} : { expiresAt: isoTime(record.expiresAtMs) }),
    ...(record.lastUsedAtMs === undefined ? {} : { lastUsedAt: isoTime(record.lastUsedAtMs) }),
    ...(record.revokedAtMs === undefined ? {} : { revokedAt: isoTime(record.revokedAtMs) }),
    ...(replacedBy === undefined ? {} : { replacedBy }),
  };
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
