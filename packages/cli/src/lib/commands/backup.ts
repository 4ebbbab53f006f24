import { resolve } from "node:path";
import { type Command, UsageError } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { count } from "../screen.ts";
import { importServer, SERVER_OPTION_HELP, serverConfig } from "../server-options.ts";

const STORE_OPTIONS = { config: { type: "string" }, folder: { type: "string" } } as const;
const STORE_OPTION_HELP = {
  config: SERVER_OPTION_HELP["config"] ?? "",
  folder: SERVER_OPTION_HELP["folder"] ?? "",
} as const;

export const backup: Command = {
  name: "backup",
  summary: "Writes a copy of the SQLite store, also while a server uses it.",
  usage: "<file> [--folder <folder>]",
  details:
    "The copy is whole and consistent, and one file. A file that is there is never written over. For PostgreSQL use its own tools.",
  options: STORE_OPTIONS,
  optionHelp: STORE_OPTION_HELP,
  async run(input, context) {
    const [file, more] = input.positionals;
    if (file === undefined || more !== undefined) throw new UsageError("name the file to write");
    const server = await importServer();
    const { config } = serverConfig(server, input, context);
    const outcome = await server.backupSqlite({ folder: config.folder, to: resolve(context.cwd, file) });
    context.out(`${outcome.file}\n`);
    context.err(`${count(outcome.eventCount, "event")}\n`);
    return EXIT.ok;
  },
};

export const restore: Command = {
  name: "restore",
  summary: "Puts a backup in the place of the SQLite store.",
  usage: "<file> [--folder <folder>]",
  details:
    "No server may use the store meanwhile. What was there before is kept beside it. Clients take the restored policies as newer ones.",
  options: STORE_OPTIONS,
  optionHelp: STORE_OPTION_HELP,
  async run(input, context) {
    const [file, more] = input.positionals;
    if (file === undefined || more !== undefined) throw new UsageError("name the backup");
    const server = await importServer();
    const { config } = serverConfig(server, input, context);
    const outcome = await server.restoreSqlite({ folder: config.folder, from: resolve(context.cwd, file) });
    context.err(`${count(outcome.eventCount, "event")} restored to ${config.folder}\n`);
    if (outcome.keptIn !== undefined) context.err(`what was there before is in ${outcome.keptIn}\n`);
    return EXIT.ok;
  },
};
