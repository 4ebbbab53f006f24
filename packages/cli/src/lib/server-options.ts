import { type CommandContext, type CommandInput, type CommandOptions, textOption } from "./command.ts";
import { requireServerNode } from "./server-node.ts";

type ServerModule = typeof import("@handlebar/server");
type LoadedConfig = ReturnType<ServerModule["loadServerConfig"]>;

/** Settings of the server as options; a test holds them equal to the server's own table, which cannot be imported on an older Node.js. */
export const SERVER_OPTION_HELP: Readonly<Record<string, string>> = {
  config: "a configuration file (default: handlebar.config.json, where there is one)",
  host: "the address to listen on; `0.0.0.0` for every network of the machine",
  port: "the port to listen on; 0 takes a free one",
  "database-url": "a PostgreSQL to keep everything in; without it, SQLite in `folder`",
  "database-listen-url": "the same PostgreSQL without a pooler before it, for LISTEN; default `databaseUrl`",
  "database-connection-count-max": "connections to PostgreSQL that one process opens",
  folder: "where the SQLite store lies; a local disk",
  durability: "`full` loses nothing at a power cut; `normal` may lose the last moments, and is faster",
  "retention-days": "days that audit events are kept; 0 keeps them for ever",
  "rate-limit-per-second": "requests a second that one API key may make at one process",
  "rate-limit-burst": "requests that one API key may make at once after a pause",
  "drain-timeout-ms": "milliseconds that a stop waits for requests under way",
  "log-level": "what is logged: `debug` also tells of every request",
  "first-key": "the admin key that the first start makes, in place of one that it makes up and prints",
  "public-url":
    "where people reach this server, such as `https://handlebar.example`; without it messages have no links",
  "webhook-allowed-networks":
    "networks beyond the public ones that webhooks may lead into, such as `10.1.0.0/16,127.0.0.0/8`",
  "traces-endpoint": "an OpenTelemetry collector (OTLP over HTTP) that gets a span for each request",
  "traces-headers": "headers for the collector, as `name=value,name=value`",
};

export const SERVER_OPTIONS: CommandOptions = Object.fromEntries(
  Object.keys(SERVER_OPTION_HELP).map((name) => [name, { type: "string" }]),
);

/** The control plane's code, on a Node.js that can run it. @throws HandlebarError `HB_SERVER_NODE_VERSION`. */
export async function importServer(): Promise<ServerModule> {
  requireServerNode(process.versions.node);
  return import("@handlebar/server");
}

/** The server's configuration as options, environment and file give it. */
export function serverConfig(server: ServerModule, input: CommandInput, context: CommandContext): LoadedConfig {
  const names = Object.keys(SERVER_OPTION_HELP).filter((name) => name !== "config");
  return server.loadServerConfig({
    env: context.env,
    flags: Object.fromEntries(names.map((name) => [name, textOption(input, name)])),
    cwd: context.cwd,
    file: textOption(input, "config"),
  });
}
