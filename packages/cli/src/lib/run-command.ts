import { parseArgs } from "node:util";
import { closestName, HandlebarError } from "@handlebar/protocol";
import { type Command, type CommandContext, UsageError } from "./command.ts";
import { agents } from "./commands/agents.ts";
import { approvals } from "./commands/approvals.ts";
import { audit } from "./commands/audit.ts";
import { backup, restore } from "./commands/backup.ts";
import { check } from "./commands/check.ts";
import { doctor } from "./commands/doctor.ts";
import { init } from "./commands/init.ts";
import { keys } from "./commands/keys.ts";
import { lockdown } from "./commands/lockdown.ts";
import { migrateToPostgres } from "./commands/migrate-to-postgres.ts";
import { policies } from "./commands/policies.ts";
import { replay } from "./commands/replay.ts";
import { runs } from "./commands/runs.ts";
import { serve } from "./commands/serve.ts";
import { tail } from "./commands/tail.ts";
import { test } from "./commands/test.ts";
import { webhooks } from "./commands/webhooks.ts";
import { EXIT } from "./exit-codes.ts";
import { commandHelp, overview } from "./help.ts";
import { VERSION } from "./version.ts";

const COMMANDS: readonly Command[] = [
  serve,
  init,
  check,
  test,
  replay,
  agents,
  policies,
  lockdown,
  approvals,
  webhooks,
  runs,
  tail,
  audit,
  keys,
  doctor,
  backup,
  restore,
  migrateToPostgres,
];

/** Runs `handlebar <args>` and gives its exit code. Never throws, and shows no stack for what the user got wrong. */
export async function runCommand(args: readonly string[], context: CommandContext): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") return help(rest, context);
  if (name === "--version" || name === "-v") {
    context.out(`${VERSION}\n`);
    return EXIT.ok;
  }
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) return unknownCommand(name, context);
  if (rest.includes("--help") || rest.includes("-h")) return help([name], context);
  try {
    return await command.run(parse(command, rest), context);
  } catch (error) {
    return fail(command, error, context);
  }
}

function help([name]: readonly string[], context: CommandContext): number {
  if (name === undefined) {
    context.out(overview(COMMANDS));
    return EXIT.ok;
  }
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) return unknownCommand(name, context);
  context.out(commandHelp(command));
  return EXIT.ok;
}

function unknownCommand(name: string, context: CommandContext): number {
  const meant = closestName(
    name,
    COMMANDS.map((command) => command.name),
  );
  context.err(
    `handlebar: there is no command \`${name}\`${meant === undefined ? "" : `; did you mean \`${meant}\`?`}\n`,
  );
  context.err("run `handlebar help` for the commands\n");
  return EXIT.usage;
}

function parse(command: Command, args: readonly string[]): Parameters<Command["run"]>[0] {
  try {
    const { positionals, values } = parseArgs({
      args: withEmptyValues(command, args),
      options: command.options,
      allowPositionals: true,
      strict: true,
    });
    return { positionals, values };
  } catch (error) {
    const unknown = /Unknown option '-{1,2}([^']+)'/.exec(error instanceof Error ? error.message : "")?.[1];
    if (unknown === undefined)
      throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
    const meant = closestName(unknown, Object.keys(command.options));
    const hint = meant === undefined ? "" : `; did you mean \`--${meant}\`?`;
    throw new UsageError(`there is no option \`--${unknown}\`${hint}`, { cause: error });
  }
}

/** Options that may stand without a value get the empty one where none follows. */
function withEmptyValues({ options }: Command, args: readonly string[]): string[] {
  return args.map((arg, at) => {
    const isBare = arg.startsWith("--") && options[arg.slice(2)]?.isValueOptional === true;
    const next = args[at + 1];
    return isBare && (next === undefined || next.startsWith("-")) ? `${arg}=` : arg;
  });
}

function fail(command: Command, error: unknown, context: CommandContext): number {
  if (error instanceof UsageError) {
    context.err(`handlebar ${command.name}: ${error.message}\n\n  handlebar ${command.name} ${command.usage}\n`);
  } else if (HandlebarError.is(error)) {
    context.err(`${error.message}\n`);
  } else {
    const text = error instanceof Error ? error.message : String(error);
    context.err(`handlebar ${command.name}: ${text}\n`);
  }
  return EXIT.usage;
}
