import type { RunningServer } from "@handlebar/server";
import { type Command, type CommandContext, flag } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { paint } from "../screen.ts";
import { importServer, SERVER_OPTION_HELP, SERVER_OPTIONS, serverConfig } from "../server-options.ts";

export const serve: Command = {
  name: "serve",
  summary: "Runs a control plane.",
  usage: "[options] [--demo]",
  details: `Keeps everything in SQLite in ./.handlebar, or in the PostgreSQL that DATABASE_URL names. The first start prints an API key, this
once. Settings come from options, the environment and handlebar.config.json, in this order; \`handlebar doctor\` prints them.
Ends on SIGINT and SIGTERM when requests under way are answered; the log goes to standard error as JSON, one line each.`,
  options: { ...SERVER_OPTIONS, demo: { type: "boolean" } },
  optionHelp: { ...SERVER_OPTION_HELP, demo: "put the demo's policies in force and run its agent against this server" },
  async run(input, context) {
    // Taken before anything takes time: from here on a signal ends the server in order.
    const interrupted = interruption(context.interrupted);
    const server = await importServer();
    const { config } = serverConfig(server, input, context);
    const log = server.createLog(config.logLevel, { write: context.err });
    const running = await server.startServer(config, log);
    const where = running.storeKind === "sqlite" ? `SQLite in ${config.folder}` : "PostgreSQL";
    context.out(`${paint(context, "bold", "handlebar")} listens on ${running.origin}, with ${where}\n`);
    context.out(`its routes: ${running.origin}/docs\n`);
    if (running.firstKey !== undefined) sayFirstKey(context, running.firstKey);
    try {
      if (flag(input, "demo") && !(await Promise.race([demo(running, context), interrupted]))) return EXIT.found;
      await interrupted;
    } finally {
      await running.stop();
    }
    return EXIT.ok;
  },
};

async function demo(running: RunningServer, context: CommandContext): Promise<boolean> {
  // Only then: the SDK is no part of serving.
  const { runDemo } = await import("../demo/run-demo.ts");
  const people = await running.issueKey({ name: "demo: people", scopes: ["admin"] });
  const agent = await running.issueKey({ name: "demo: agent", scopes: ["agents:write", "check", "events:write"] });
  const { origin } = running;
  const isRight = await runDemo({ origin, operatorKey: people.secret, agentKey: agent.secret, context });
  context.out(isRight ? "\nthe demo went as it should; the server goes on\n" : "\nthe demo did not go as it should\n");
  return isRight;
}

function sayFirstKey(context: CommandContext, key: string): void {
  context.out(`
this store is new; its first API key, which may do everything and is not shown again:

  export HANDLEBAR_API_KEY=${key}

make one for each agent with \`handlebar keys create <name>\`\n\n`);
}

/** Resolves when the command is asked to end. */
function interruption(signal: AbortSignal): Promise<true> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(true);
    else signal.addEventListener("abort", () => resolve(true), { once: true });
  });
}
