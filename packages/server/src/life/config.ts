import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { API_KEY_PATTERN, closestName, HandlebarError } from "@handlebar/protocol";
import { CONFIG_FIELDS, CONFIG_FILE, type ConfigField } from "./config-fields.ts";
import type { LogLevel } from "./logger.ts";

/** What a server runs with. */
export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly databaseUrl: string | undefined;
  readonly databaseListenUrl: string | undefined;
  readonly databaseConnectionCountMax: number;
  /** Absolute. */
  readonly folder: string;
  readonly durability: "full" | "normal";
  readonly retentionDays: number;
  readonly rateLimitPerSecond: number;
  readonly rateLimitBurst: number;
  readonly drainTimeoutMs: number;
  readonly logLevel: LogLevel;
  readonly firstKey: string | undefined;
  readonly publicUrl: string | undefined;
  readonly webhookAllowedNetworks: string | undefined;
  readonly tracesEndpoint: string | undefined;
  readonly tracesHeaders: string | undefined;
}

/** Where a setting was found. */
export type ConfigSource = "default" | "file" | "environment" | "flag";

export interface LoadedConfig {
  readonly config: ServerConfig;
  /** The file that was read. */
  readonly file: string | undefined;
  /** Every setting with its value, secrets left out, and where it came from. */
  readonly settings: readonly { readonly name: string; readonly value: string; readonly source: ConfigSource }[];
}

export interface ConfigInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By flag, without the dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** A file to read in place of `handlebar.config.json`. */
  readonly file?: string | undefined;
}

interface Found {
  readonly value: string | number | undefined;
  readonly source: ConfigSource;
}

/**
 * The server's configuration: flags before the environment, that before the file, that before defaults. An empty text counts as absent.
 * @throws HandlebarError `HB_CONFIG_INVALID`, `HB_CONFIG_UNKNOWN_FIELD`.
 */
export function loadServerConfig({ env, flags, cwd, file }: ConfigInput): LoadedConfig {
  const path = resolve(cwd, file ?? CONFIG_FILE);
  const isThere = existsSync(path);
  if (file !== undefined && !isThere)
    throw invalid("--config", `the file \`${file}\` does not exist; correct the path`);
  const inFile = isThere ? readConfigFile(path) : {};
  const found = new Map(CONFIG_FIELDS.map((field) => [field.name, find(field, { env, flags, inFile })]));
  return {
    config: toConfig(found, cwd),
    file: isThere ? path : undefined,
    settings: CONFIG_FIELDS.map((field) => {
      const { value, source } = found.get(field.name) ?? { value: undefined, source: "default" };
      return { name: field.name, value: printable(field, value), source };
    }),
  };
}

function find(
  field: ConfigField,
  { env, flags, inFile }: Pick<ConfigInput, "env" | "flags"> & { readonly inFile: Readonly<Record<string, unknown>> },
): Found {
  const flag = flags[field.flag];
  if (flag !== undefined && flag !== "") return { value: readText(field, flag, `--${field.flag}`), source: "flag" };
  const inEnv = env[field.env];
  if (inEnv !== undefined && inEnv !== "") return { value: readText(field, inEnv, field.env), source: "environment" };
  const given = inFile[field.name];
  if (given !== undefined && given !== null && given !== "") return { value: readValue(field, given), source: "file" };
  return { value: field.byDefault, source: "default" };
}

function readText(field: ConfigField, given: string, place: string): string | number {
  return check(field, field.kind === "integer" && /^-?\d+$/.test(given) ? Number(given) : given, place);
}

function readValue(field: ConfigField, given: unknown): string | number {
  if (typeof given === "string" || typeof given === "number") return check(field, given, field.name);
  throw invalid(field.name, `\`${field.name}\` must be ${form(field)}`);
}

function check(field: ConfigField, value: string | number, place: string): string | number {
  const { kind, min = 0, max = 0, choices = [] } = field;
  const isRight =
    kind === "integer"
      ? typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
      : typeof value === "string" && (kind === "text" || choices.includes(value));
  if (!isRight) throw invalid(place, `\`${place}\` must be ${form(field)}`);
  if (field.name === "firstKey" && !API_KEY_PATTERN.test(String(value))) {
    throw invalid(
      place,
      `\`${place}\` must be an API key: \`hb_\`, 10 of a-z and 0-9, \`_\`, 43 characters of base64url`,
    );
  }
  if (field.name === "publicUrl" && !/^https?:\/\/[^/?#\s]+(\/[^?#\s]*)?$/.test(String(value))) {
    throw invalid(place, `\`${place}\` must be a URL such as \`https://handlebar.example\``);
  }
  return value;
}

function form({ kind, min, max, choices = [] }: ConfigField): string {
  if (kind === "integer") return `a whole number from ${min} to ${max}`;
  return kind === "choice" ? `one of ${choices.map((choice) => `\`${choice}\``).join(", ")}` : "text";
}

function readConfigFile(path: string): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw notJson(path, error);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new HandlebarError("HB_CONFIG_INVALID", `\`${path}\` must hold one JSON object; correct it`);
  }
  const names = CONFIG_FIELDS.map(({ name }) => name);
  const unknown = Object.keys(json).find((name) => name !== "$schema" && !names.includes(name));
  if (unknown === undefined) return { ...json };
  const meant = closestName(unknown, names);
  const hint = meant === undefined ? "remove it" : `did you mean \`${meant}\`?`;
  throw new HandlebarError("HB_CONFIG_UNKNOWN_FIELD", `\`${path}\` has no setting \`${unknown}\`; ${hint}`, {
    field: unknown,
  });
}

function notJson(path: string, cause: unknown): HandlebarError {
  return new HandlebarError("HB_CONFIG_INVALID", `\`${path}\` is not valid JSON; correct it`, { cause });
}

function toConfig(found: ReadonlyMap<string, Found>, cwd: string): ServerConfig {
  const values = Object.fromEntries([...found].map(([name, { value }]) => [name, value]));
  // Each value passed the check of its field, and the fields are those of the type: a test holds the two equal.
  const config = values as unknown as ServerConfig;
  return { ...config, folder: resolve(cwd, config.folder) };
}

/** A secret is never printed, not even in part; of a URL its host and database may be seen. */
function printable({ name, isSecret }: ConfigField, value: string | number | undefined): string {
  if (value === undefined) return "";
  if (isSecret !== true) return String(value);
  return name.startsWith("database") ? withoutPassword(String(value)) : "[redacted]";
}

function withoutPassword(url: string): string {
  try {
    const { protocol, username, host, pathname } = new URL(url);
    return `${protocol}//${username === "" ? "" : `${username}:[redacted]@`}${host}${pathname}`;
  } catch {
    return "[redacted]";
  }
}

function invalid(field: string, message: string): HandlebarError {
  return new HandlebarError("HB_CONFIG_INVALID", message, { field });
}
