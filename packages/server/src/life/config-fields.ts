import { LOG_LEVELS } from "./logger.ts";

/** One setting of the server: where it may stand and what it may be. */
export interface ConfigField {
  readonly name: string;
  readonly env: string;
  /** Without the dashes. */
  readonly flag: string;
  readonly meaning: string;
  readonly kind: "text" | "integer" | "choice";
  readonly choices?: readonly string[] | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** Never printed. */
  readonly isSecret?: boolean | undefined;
  readonly byDefault: string | number | undefined;
}

const text = (field: Omit<ConfigField, "kind">): ConfigField => ({ kind: "text", ...field });
const integer = (field: Omit<ConfigField, "kind"> & { readonly min: number; readonly max: number }): ConfigField => ({
  kind: "integer",
  ...field,
});

/** Every setting of `handlebar serve`. */
export const CONFIG_FIELDS: readonly ConfigField[] = [
  text({
    name: "host",
    env: "HANDLEBAR_HOST",
    flag: "host",
    meaning: "the address to listen on; `0.0.0.0` for every network of the machine",
    byDefault: "127.0.0.1",
  }),
  integer({
    name: "port",
    env: "HANDLEBAR_PORT",
    flag: "port",
    meaning: "the port to listen on; 0 takes a free one",
    min: 0,
    max: 65_535,
    byDefault: 4747,
  }),
  text({
    name: "databaseUrl",
    env: "DATABASE_URL",
    flag: "database-url",
    meaning: "a PostgreSQL to keep everything in; without it, SQLite in `folder`",
    isSecret: true,
    byDefault: undefined,
  }),
  text({
    name: "databaseListenUrl",
    env: "DATABASE_LISTEN_URL",
    flag: "database-listen-url",
    meaning: "the same PostgreSQL without a pooler before it, for LISTEN; default `databaseUrl`",
    isSecret: true,
    byDefault: undefined,
  }),
  integer({
    name: "databaseConnectionCountMax",
    env: "HANDLEBAR_DATABASE_CONNECTION_COUNT_MAX",
    flag: "database-connection-count-max",
    meaning: "connections to PostgreSQL that one process opens",
    min: 2,
    max: 1000,
    byDefault: 10,
  }),
  text({
    name: "folder",
    env: "HANDLEBAR_FOLDER",
    flag: "folder",
    meaning: "where the SQLite store lies; a local disk",
    byDefault: ".handlebar",
  }),
  {
    name: "durability",
    env: "HANDLEBAR_DURABILITY",
    flag: "durability",
    meaning: "`full` loses nothing at a power cut; `normal` may lose the last moments, and is faster",
    kind: "choice",
    choices: ["full", "normal"],
    byDefault: "full",
  },
  integer({
    name: "retentionDays",
    env: "HANDLEBAR_RETENTION_DAYS",
    flag: "retention-days",
    meaning: "days that audit events are kept; 0 keeps them for ever",
    min: 0,
    max: 36_500,
    byDefault: 90,
  }),
  integer({
    name: "rateLimitPerSecond",
    env: "HANDLEBAR_RATE_LIMIT_PER_SECOND",
    flag: "rate-limit-per-second",
    meaning: "requests a second that one API key may make at one process",
    min: 1,
    max: 1_000_000,
    byDefault: 2000,
  }),
  integer({
    name: "rateLimitBurst",
    env: "HANDLEBAR_RATE_LIMIT_BURST",
    flag: "rate-limit-burst",
    meaning: "requests that one API key may make at once after a pause",
    min: 1,
    max: 1_000_000,
    byDefault: 4000,
  }),
  integer({
    name: "drainTimeoutMs",
    env: "HANDLEBAR_DRAIN_TIMEOUT_MS",
    flag: "drain-timeout-ms",
    meaning: "milliseconds that a stop waits for requests under way",
    min: 0,
    max: 600_000,
    byDefault: 10_000,
  }),
  {
    name: "logLevel",
    env: "HANDLEBAR_LOG_LEVEL",
    flag: "log-level",
    meaning: "what is logged: `debug` also tells of every request",
    kind: "choice",
    choices: LOG_LEVELS,
    byDefault: "info",
  },
  text({
    name: "firstKey",
    env: "HANDLEBAR_FIRST_KEY",
    flag: "first-key",
    meaning: "the admin key that the first start makes, in place of one that it makes up and prints",
    isSecret: true,
    byDefault: undefined,
  }),
  text({
    name: "publicUrl",
    env: "HANDLEBAR_PUBLIC_URL",
    flag: "public-url",
    meaning: "where people reach this server, such as `https://handlebar.example`; without it messages have no links",
    byDefault: undefined,
  }),
  text({
    name: "webhookAllowedNetworks",
    env: "HANDLEBAR_WEBHOOK_ALLOWED_NETWORKS",
    flag: "webhook-allowed-networks",
    meaning: "networks beyond the public ones that webhooks may lead into, such as `10.1.0.0/16,127.0.0.0/8`",
    byDefault: undefined,
  }),
  text({
    name: "tracesEndpoint",
    env: "OTEL_EXPORTER_OTLP_ENDPOINT",
    flag: "traces-endpoint",
    meaning: "an OpenTelemetry collector (OTLP over HTTP) that gets a span for each request",
    byDefault: undefined,
  }),
  text({
    name: "tracesHeaders",
    env: "OTEL_EXPORTER_OTLP_HEADERS",
    flag: "traces-headers",
    meaning: "headers for the collector, as `name=value,name=value`",
    isSecret: true,
    byDefault: undefined,
  }),
];

/** The file that is read from the working directory where no other is named. */
export const CONFIG_FILE = "handlebar.config.json";
