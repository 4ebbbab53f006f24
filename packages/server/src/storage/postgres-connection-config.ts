import { existsSync } from "node:fs";
import { HandlebarError } from "@handlebar/protocol";
import pg from "pg";
import type { PostgresOptions } from "./postgres-options.ts";

export const POSTGRES_POOL_SIZE_MAX_DEFAULT = 10;
const POSTGRES_CONNECT_TIMEOUT_MS_DEFAULT = 10_000;
export const POSTGRES_STATEMENT_TIMEOUT_MS_DEFAULT = 30_000;

/** By how much the driver waits longer than the database, which then has had the time to say why it gave up. */
const ANSWER_GRACE_MS = 2_000;

const TLS_MODES: readonly string[] = ["verify-full", "verify-ca", "require", "disable"];

/** Object ids of the types whose text form is a number here: int8 and numeric. All such values that we store or sum up are exact as numbers. */
const NUMBER_OIDS: ReadonlySet<number> = new Set([20, 1700]);

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    NUMBER_OIDS.has(oid) && format !== "binary" ? Number : pg.types.getTypeParser(oid, format)) as never,
};

function parsed(url: string): URL {
  try {
    const parsedUrl = new URL(url);
    if (parsedUrl.protocol === "postgres:" || parsedUrl.protocol === "postgresql:") return parsedUrl;
  } catch {
    // The text is not repeated, since it may hold a password.
  }
  throw new HandlebarError(
    "HB_CONFIG_INVALID",
    "the database's URL is not one; write `postgres://user:password@host:port/database`, with special characters of the password percent-encoded",
    { field: "databaseUrl" },
  );
}

/** Fails early, and by name, where the driver would fail at the first connection. */
function checkFiles(url: URL): void {
  for (const name of ["sslrootcert", "sslcert", "sslkey"]) {
    const path = url.searchParams.get(name);
    if (path === null || existsSync(path)) continue;
    throw new HandlebarError("HB_CONFIG_INVALID", `\`${name}\` names \`${path}\`, which does not exist; correct it`, {
      field: "databaseUrl",
    });
  }
}

/** `prefer` and `allow` would go on in clear text where TLS fails, and an unknown word would mean something else than its author thought. */
function checkTlsMode(url: URL): void {
  const mode = url.searchParams.get("sslmode");
  if (mode === "verify-ca" && !url.searchParams.has("sslrootcert")) {
    throw new HandlebarError(
      "HB_CONFIG_INVALID",
      "`sslmode=verify-ca` needs `sslrootcert`, the certificate of your own authority; with a public one use `verify-full`",
      { field: "databaseUrl" },
    );
  }
  if (mode === null || TLS_MODES.includes(mode)) return;
  throw new HandlebarError(
    "HB_CONFIG_INVALID",
    `\`sslmode=${mode}\` is not supported; use one of ${TLS_MODES.map((name) => `\`${name}\``).join(", ")}`,
    { field: "databaseUrl" },
  );
}

/** The driver's configuration. @throws HandlebarError `HB_CONFIG_INVALID` when the URL cannot be used. */
export function connectionConfig(options: PostgresOptions, url: string, answerTimeoutMs?: number): pg.ClientConfig {
  const address = parsed(url);
  checkFiles(address);
  checkTlsMode(address);
  address.searchParams.set("uselibpqcompat", "true");
  const statementTimeoutMs = options.statementTimeoutMs ?? POSTGRES_STATEMENT_TIMEOUT_MS_DEFAULT;
  return {
    connectionString: address.href,
    application_name: options.applicationName ?? "handlebar",
    connectionTimeoutMillis: options.connectTimeoutMs ?? POSTGRES_CONNECT_TIMEOUT_MS_DEFAULT,
    query_timeout: answerTimeoutMs ?? statementTimeoutMs + ANSWER_GRACE_MS,
    keepAlive: true,
    types,
  };
}
