/** How to reach a PostgreSQL and how much of it to take. */
export interface PostgresOptions {
  /**
   * `postgres://user:password@host:port/database?sslmode=verify-full`. `sslmode`, `sslrootcert`, `sslcert` and `sslkey` mean what they mean to libpq;
   * without `sslmode` the connection is not encrypted.
   */
  readonly url: string;
  /** Reaches the database itself where `url` leads through a pooler that shares connections by transaction: LISTEN needs it. Default `url`. */
  readonly directUrl?: string | undefined;
  /** Connections of this process, beside the one that listens. Default 10. */
  readonly poolSizeMax?: number | undefined;
  /** For a new connection, and for a free one of the pool. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** After which the database gives a statement up. Default 30,000. */
  readonly statementTimeoutMs?: number | undefined;
  /** Seen in `pg_stat_activity`. Default `handlebar`. */
  readonly applicationName?: string | undefined;
  /** Told of trouble that no caller waits for: an idle connection that broke, a listener that connects again. */
  readonly onProblem?: ((problem: unknown) => void) | undefined;
}
