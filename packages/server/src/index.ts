export type { OpenApiDocument, OpenApiOperation, OpenApiParameter } from "./http/openapi.ts";
export type { JsonSchema } from "./http/openapi-schemas.ts";
export type { StreamTarget } from "./http/stream-target.ts";
export {
  type ConfigInput,
  type ConfigSource,
  type LoadedConfig,
  loadServerConfig,
  type ServerConfig,
} from "./life/config.ts";
export { CONFIG_FIELDS, CONFIG_FILE, type ConfigField } from "./life/config-fields.ts";
export { openApiDocument } from "./life/contract.ts";
export type { ControlPlaneDeps } from "./life/control-plane-deps.ts";
export { createServer, type EmbeddedServer, type ServerDeps } from "./life/create-server.ts";
export { issueLocalKey, type LocalKey } from "./life/local-keys.ts";
export { createLog, LOG_LEVELS, type LogLevel, type LogTarget } from "./life/logger.ts";
export { openStore } from "./life/open-store.ts";
export { type RunningServer, startServer } from "./life/start-server.ts";
export type { LogFields, ServerLog } from "./services/server-log.ts";
export type { ServerRuntime, ServerTimer } from "./services/server-runtime.ts";
export {
  type CopyOutcome,
  type CopyProgress,
  type MigrateToPostgresOptions,
  migrateToPostgres,
} from "./storage/migrate-to-postgres.ts";
export type { PostgresOptions } from "./storage/postgres-options.ts";
export { type BackupOutcome, backupSqlite, type RestoreOutcome, restoreSqlite } from "./storage/sqlite-backup.ts";
export { openSqliteStore, type SqliteStoreConfig } from "./storage/sqlite-store.ts";
export type { Store } from "./storage/store.ts";
