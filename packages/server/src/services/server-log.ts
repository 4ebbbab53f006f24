/** What a log line carries; never a secret, an argument, a result or a message of an agent. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where services tell what an operator should know. Never throws. */
export interface ServerLog {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}
