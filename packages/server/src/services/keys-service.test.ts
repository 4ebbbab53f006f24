import { SCOPES } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KEY_CACHE_TTL_MS, UNKNOWN_KEY_LOOKUPS_PER_SECOND_MAX } from "../limits.ts";
import type { Store } from "../storage/store.ts";
import { openTestStore, TEST_WORKSPACE } from "../storage/test-store.test-support.ts";
import { formatApiKey, newApiKeyText, parseApiKey } from "./api-key-text.ts";
import { KeysService } from "./keys-service.ts";
import { type ManualRuntime, manualRuntime } from "./manual-runtime.fixture.ts";
import type { Principal } from "./principal.ts";

let store: Store;
let runtime: ManualRuntime;
let keys: KeysService;
let finds: string[];
const admin: Principal = { workspaceId: TEST_WORKSPACE, keyId: "admin", scopes: new Set(["admin"]) };

beforeEach(async () => {
  store = await openTestStore();
  runtime = manualRuntime();
  finds = [];
  const find = (keyId: string): ReturnType<Store["keys"]["find"]> => {
    finds.push(keyId);
    return store.keys.find(keyId);
  };
  const table = { ...store.keys, find };
  keys = new KeysService({ store: { ...store, keys: table }, runtime });
});
afterEach(() => store.close());

const issue = (scopes = [...SCOPES]) => keys.issue({ workspaceId: TEST_WORKSPACE, name: "k", scopes });

describe("API keys", () => {
  it("have a public part and a secret of 256 random bits, of which only the hash is kept", async () => {
    const { key, secret } = await issue();
    expect(secret).toMatch(/^hb_[a-z0-9]{10}_[A-Za-z0-9_-]{43}$/);
    const parts = parseApiKey(secret);
    expect(parts?.keyId).toBe(key.keyId);
    const record = await store.keys.find(key.keyId);
    expect(record?.secretHash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(record)).not.toContain(parts?.secret);
  });

  it("let their holder in, from memory after the first time", async () => {
    const { secret, key } = await issue(["check", "read"]);
    const expected = {
      workspaceId: TEST_WORKSPACE,
      keyId: key.keyId,
      keyName: "k",
      scopes: new Set(["check", "read"]),
    };
    expect(await keys.authenticate(secret)).toEqual(expected);
    expect(keys.authenticate(secret)).toEqual(expected);
    await runtime.advance(KEY_CACHE_TTL_MS + 1);
    expect(await keys.authenticate(secret)).toEqual(expected);
    expect(finds).toEqual([key.keyId, key.keyId]);
  });

  it("share one look-up among requests that come at once", async () => {
    const { secret, key } = await issue();
    await Promise.all([keys.authenticate(secret), keys.authenticate(secret), keys.authenticate(secret)]);
    expect(finds).toEqual([key.keyId]);
  });

  it("end when they expire, to the moment", async () => {
    const expiresAt = new Date(runtime.nowMs() + 1000).toISOString();
    const { secret } = await keys.create(admin, { name: "short", expiresAt });
    await runtime.advance(999);
    expect(await keys.authenticate(secret)).toMatchObject({ workspaceId: TEST_WORKSPACE });
    await runtime.advance(1);
    expect(() => keys.authenticate(secret)).toThrow("has expired");
  });

  it("end at once when they are revoked, also for a read that was under way", async () => {
    const { secret, key } = await issue();
    const reading = keys.authenticate(secret);
    await keys.revoke(admin, key.keyId);
    await Promise.resolve(reading).catch(() => undefined);
    await expect(async () => keys.authenticate(secret)).rejects.toThrow("was revoked");
    expect(await keys.isWorking(key.keyId)).toBe(false);
    await keys.revoke(admin, key.keyId);
  });

  it("are refused alike whether the id or the secret is wrong", async () => {
    const { secret } = await issue();
    const wrongSecret = `${secret.slice(0, -43)}${"A".repeat(43)}`;
    const messages: string[] = [];
    for (const text of [wrongSecret, formatApiKey(newApiKeyText()), "", "hb_x_y"]) {
      await Promise.resolve()
        .then(() => keys.authenticate(text))
        .catch((error: Error) => messages.push(error.message));
    }
    expect(new Set(messages).size).toBe(1);
    expect(messages).toHaveLength(4);
  });

  it("that nobody knows are looked up only so often, and known ones always", async () => {
    const { secret } = await issue();
    await keys.authenticate(secret);
    const guess = () => Promise.resolve().then(() => keys.authenticate(formatApiKey(newApiKeyText())));
    for (let count = 0; count < UNKNOWN_KEY_LOOKUPS_PER_SECOND_MAX; count++) {
      await expect(guess()).rejects.toMatchObject({ code: "HB_API_AUTH" });
    }
    await expect(guess()).rejects.toMatchObject({ code: "HB_RATE_LIMITED", retryAfterSeconds: expect.any(Number) });
    expect(await keys.authenticate(secret)).toMatchObject({ workspaceId: TEST_WORKSPACE });
    await runtime.advance(1000);
    await expect(guess()).rejects.toMatchObject({ code: "HB_API_AUTH" });
  });

  it("note their last use, at most once a minute", async () => {
    const { secret, key } = await issue();
    await keys.authenticate(secret);
    await keys.flushUses();
    const first = (await store.keys.find(key.keyId))?.lastUsedAtMs;
    expect(first).toBe(runtime.nowMs());
    await runtime.advance(59_000);
    await keys.authenticate(secret);
    await keys.flushUses();
    expect((await store.keys.find(key.keyId))?.lastUsedAtMs).toBe(first);
    await runtime.advance(1000);
    await keys.authenticate(secret);
    await keys.flushUses();
    expect((await store.keys.find(key.keyId))?.lastUsedAtMs).toBe(runtime.nowMs());
  });
});

describe("a key that makes others", () => {
  const maker: Principal = { workspaceId: TEST_WORKSPACE, keyId: "maker", scopes: new Set(["keys:write", "check"]) };

  it("gives what it has, and no more", async () => {
    expect((await keys.create(maker, { name: "c", scopes: ["check"] })).key.scopes).toEqual(["check"]);
    await expect(keys.create(maker, { name: "c", scopes: ["check", "read"] })).rejects.toMatchObject({
      kind: "forbidden",
      code: "HB_KEY_SCOPE",
      field: "scopes",
    });
  });

  it("neither rotates nor revokes one that may do more", async () => {
    const { key } = await issue(["admin"]);
    await expect(keys.rotate(maker, key.keyId, {})).rejects.toMatchObject({ code: "HB_KEY_SCOPE" });
    await expect(keys.revoke(maker, key.keyId)).rejects.toMatchObject({ code: "HB_KEY_SCOPE" });
  });

  it("does not reach another workspace", async () => {
    await store.workspaces.create({ workspaceId: "w2", name: "w2", createdAtMs: 0 });
    const { key } = await keys.issue({ workspaceId: "w2", name: "k", scopes: ["check"] });
    await expect(keys.rotate(admin, key.keyId, {})).rejects.toMatchObject({ code: "HB_NOT_FOUND" });
    await expect(keys.revoke(admin, key.keyId)).rejects.toMatchObject({ code: "HB_NOT_FOUND" });
    expect((await keys.list(admin)).map(({ keyId }) => keyId)).not.toContain(key.keyId);
  });

  it("asks for an end to come", async () => {
    const expiresAt = new Date(runtime.nowMs()).toISOString();
    await expect(keys.create(admin, { name: "c", expiresAt })).rejects.toMatchObject({ field: "expiresAt" });
  });
});

describe("rotation", () => {
  it("puts a key of the same name and scopes in an old one's place, which works for its grace", async () => {
    const old = await issue(["check"]);
    const made = await keys.rotate(admin, old.key.keyId, { graceSeconds: 60 });
    expect(made.key).toMatchObject({ name: "k", scopes: ["check"] });
    expect(await keys.authenticate(old.secret)).toMatchObject({ keyId: old.key.keyId });
    expect(await keys.authenticate(made.secret)).toMatchObject({ keyId: made.key.keyId });
    await runtime.advance(60_000);
    await expect(async () => keys.authenticate(old.secret)).rejects.toThrow("has expired");
    expect((await keys.list(admin)).find(({ keyId }) => keyId === old.key.keyId)?.replacedBy).toBe(made.key.keyId);
  });

  it("ends the old one at once without a grace, and only a key that works is rotated", async () => {
    const old = await issue();
    await keys.rotate(admin, old.key.keyId, {});
    await expect(async () => keys.authenticate(old.secret)).rejects.toThrow("was revoked");
    await expect(keys.rotate(admin, old.key.keyId, {})).rejects.toMatchObject({ code: "HB_CONFLICT", field: "keyId" });
  });
});
