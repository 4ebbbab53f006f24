import { type Command, UsageError } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { table } from "../screen.ts";
import { importServer, SERVER_OPTION_HELP, serverConfig } from "../server-options.ts";

export const migrateToPostgres: Command = {
  name: "migrate-to-postgres",
  summary: "Copies the SQLite store into an empty PostgreSQL.",
  usage: "[--folder <folder>] [--database-url <url>]",
  details: `No server may use the store meanwhile. The database is the one of DATABASE_URL or --database-url. A copy that was interrupted goes on
where it stopped when the command runs again; until it has ended no server starts on that database. The SQLite store stays as it is.`,
  options: { config: { type: "string" }, folder: { type: "string" }, "database-url": { type: "string" } },
  optionHelp: {
    config: SERVER_OPTION_HELP["config"] ?? "",
    folder: SERVER_OPTION_HELP["folder"] ?? "",
    "database-url": "the PostgreSQL to copy into (DATABASE_URL)",
  },
  async run(input, context) {
    if (input.positionals.length > 0) throw new UsageError("the database is named by DATABASE_URL or --database-url");
    const server = await importServer();
    const { config } = serverConfig(server, input, context);
    if (config.databaseUrl === undefined) throw new UsageError("name the database by DATABASE_URL or --database-url");
    const { tables } = await server.migrateToPostgres({
      folder: config.folder,
      postgres: { url: config.databaseUrl },
      onProgress: ({ table: name, copiedRows, totalRows }) => {
        if (context.isTty) context.err(`\r${name}: ${copiedRows} of ${totalRows}   `);
      },
    });
    if (context.isTty) context.err("\r");
    context.out(table([["TABLE", "ROWS"], ...Object.entries(tables).map(([name, rows]) => [name, rows])]));
    return EXIT.ok;
  },
};
