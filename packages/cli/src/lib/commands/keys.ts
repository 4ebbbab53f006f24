import {
  type ApiKey,
  type CreatedKey,
  closestName,
  createdKeySchema,
  currentKeyAnswerSchema,
  keysAnswerSchema,
  SCOPES,
  type Scope,
} from "@handlebar/protocol";
import { API_OPTION_HELP, API_OPTIONS, type ApiClient, apiClient } from "../api-client.ts";
import {
  type Command,
  type CommandContext,
  type CommandInput,
  flag,
  textOption,
  textOptions,
  UsageError,
} from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { nowMs } from "../host-clock.ts";
import { paint, table } from "../screen.ts";
import { importServer, SERVER_OPTION_HELP, SERVER_OPTIONS, serverConfig } from "../server-options.ts";

interface KeysCall {
  readonly input: CommandInput;
  readonly context: CommandContext;
  /** What follows the verb. */
  readonly name: string | undefined;
}

const DAY_MS = 86_400_000;

const VERBS: ReadonlyMap<string, (call: KeysCall) => Promise<number>> = new Map([
  ["list", listKeys],
  ["create", createKey],
  ["rotate", rotateKey],
  ["revoke", revokeKey],
  ["current", showCurrentKey],
]);

export const keys: Command = {
  name: "keys",
  summary: "Creates, lists, rotates and revokes API keys.",
  usage: "list | create <name> | rotate <key id> | revoke <key id> | current",
  details: `A new key's secret is printed once, alone on standard output. Without --scope a key may do what an SDK needs: agents:write, check
and events:write. With --local, create opens the store itself in place of asking a server, which must not run then on SQLite: when every
key is lost, and to make another --workspace.`,
  options: {
    ...API_OPTIONS,
    ...SERVER_OPTIONS,
    scope: { type: "string", multiple: true },
    person: { type: "string" },
    "expires-in-days": { type: "string" },
    "grace-seconds": { type: "string" },
    local: { type: "boolean" },
    workspace: { type: "string" },
    json: { type: "boolean" },
  },
  optionHelp: {
    ...API_OPTION_HELP,
    ...SERVER_OPTION_HELP,
    scope: `create: what the key may do, once for each: ${SCOPES.join(", ")}`,
    person: "create: whose key it is; approvals answered with it are theirs",
    "expires-in-days": "create, rotate: when the new key ends (default: never, or as the old one)",
    "grace-seconds": "rotate: how long the old key still works (default 0)",
    local: "create: in the store itself, with the settings of `serve`",
    workspace: "create --local: the key's workspace, made where it does not exist",
    json: "the answer as JSON",
  },
  async run(input, context) {
    const [verb, name] = input.positionals;
    const run = verb === undefined ? undefined : VERBS.get(verb);
    if (run === undefined) throw unknownVerb(verb);
    return run({ input, context, name });
  },
};

function unknownVerb(verb: string | undefined): UsageError {
  const verbs = [...VERBS.keys()];
  if (verb === undefined) return new UsageError(`say what to do: ${verbs.join(", ")}`);
  const meant = closestName(verb, verbs);
  const hint = meant === undefined ? `there are ${verbs.join(", ")}` : `did you mean \`${meant}\`?`;
  return new UsageError(`there is no \`keys ${verb}\`; ${hint}`);
}

async function listKeys({ input, context }: KeysCall): Promise<number> {
  const answer = await apiClient(input, context).request("GET", "/v1/keys", { schema: keysAnswerSchema });
  if (flag(input, "json")) context.out(`${JSON.stringify(answer, undefined, 2)}\n`);
  else context.out(table([["KEY", "NAME", "SCOPES", "STATE", "LAST USED"], ...answer.keys.map(toRow)]));
  return EXIT.ok;
}

async function createKey({ input, context, name }: KeysCall): Promise<number> {
  if (name === undefined) throw new UsageError("name the key, after whoever is to use it");
  const scopes = readScopes(textOptions(input, "scope"));
  const expiresAt = expiryOf(input);
  if (flag(input, "local")) return createLocalKey({ input, context, name }, scopes);
  const person = textOption(input, "person");
  const body = {
    name,
    ...(scopes === undefined ? {} : { scopes }),
    ...(person === undefined ? {} : { person }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  const api = apiClient(input, context);
  sayCreated(await api.request("POST", "/v1/keys", { body, schema: createdKeySchema }), { input, context });
  return EXIT.ok;
}

async function createLocalKey(
  { input, context, name }: KeysCall & { readonly name: string },
  scopes: readonly Scope[] | undefined,
): Promise<number> {
  if (textOption(input, "expires-in-days") !== undefined) {
    throw new UsageError("`--expires-in-days` needs a server; leave `--local` or it away");
  }
  if (textOption(input, "person") !== undefined)
    throw new UsageError("`--person` needs a server; leave `--local` or it away");
  const server = await importServer();
  const { config } = serverConfig(server, input, context);
  const log = server.createLog("warn", { write: context.err });
  const workspaceId = textOption(input, "workspace");
  const created = await server.issueLocalKey(config, { name, scopes: scopes ?? ["admin"], workspaceId }, log);
  sayCreated(created, { input, context });
  return EXIT.ok;
}

async function rotateKey({ input, context, name }: KeysCall): Promise<number> {
  const seconds = wholeNumber(input, "grace-seconds");
  const expiresAt = expiryOf(input);
  const body = {
    ...(seconds === undefined ? {} : { graceSeconds: seconds }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  const path = `/v1/keys/${keyId(name)}/rotate`;
  const api: ApiClient = apiClient(input, context);
  sayCreated(await api.request("POST", path, { body, schema: createdKeySchema }), { input, context });
  return EXIT.ok;
}

async function revokeKey({ input, context, name }: KeysCall): Promise<number> {
  await apiClient(input, context).request("DELETE", `/v1/keys/${keyId(name)}`);
  context.err(`${name} does not work any more\n`);
  return EXIT.ok;
}

async function showCurrentKey({ input, context }: KeysCall): Promise<number> {
  const api = apiClient(input, context);
  const answer = await api.request("GET", "/v1/keys/current", { schema: currentKeyAnswerSchema });
  if (flag(input, "json")) context.out(`${JSON.stringify(answer, undefined, 2)}\n`);
  else {
    const { workspace, key } = answer;
    context.out(`${key.keyId} (${key.name}) of the workspace ${workspace.name}: ${key.scopes.join(", ")}\n`);
  }
  return EXIT.ok;
}

/** The secret alone goes to standard output, so that a script can take it. */
function sayCreated(
  created: CreatedKey,
  { input, context }: { readonly input: CommandInput; readonly context: CommandContext },
): void {
  if (flag(input, "json")) {
    context.out(`${JSON.stringify(created, undefined, 2)}\n`);
    return;
  }
  const { key, secret } = created;
  const whose = key.person === undefined ? "" : `, as ${key.person}`;
  context.err(
    `${paint(context, "bold", key.name)} may ${key.scopes.join(", ")}${whose}; its secret is not shown again:\n`,
  );
  context.out(`${secret}\n`);
}

function toRow(key: ApiKey): readonly string[] {
  return [key.keyId, key.name, key.scopes.join(" "), stateOf(key), key.lastUsedAt ?? "never"];
}

function stateOf({ revokedAt, expiresAt, replacedBy }: ApiKey): string {
  const by = replacedBy === undefined ? "" : `, replaced by ${replacedBy}`;
  if (revokedAt !== undefined) return `revoked ${revokedAt}${by}`;
  if (expiresAt === undefined) return "works";
  return `${Date.parse(expiresAt) <= nowMs() ? "ended" : "works until"} ${expiresAt}${by}`;
}

function keyId(name: string | undefined): string {
  if (name === undefined) throw new UsageError("name the key by its id; `handlebar keys list` shows them");
  return encodeURIComponent(name);
}

function readScopes(names: readonly string[]): readonly Scope[] | undefined {
  const scopes = names.flatMap((name) => name.split(","));
  const wrong = scopes.find((name) => !SCOPES.some((scope) => scope === name));
  if (wrong !== undefined) {
    const meant = closestName(wrong, SCOPES);
    const hint = meant === undefined ? `there are ${SCOPES.join(", ")}` : `did you mean \`${meant}\`?`;
    throw new UsageError(`there is no scope \`${wrong}\`; ${hint}`);
  }
  return scopes.length === 0 ? undefined : SCOPES.filter((scope) => scopes.includes(scope));
}

function expiryOf(input: CommandInput): string | undefined {
  const days = wholeNumber(input, "expires-in-days");
  return days === undefined ? undefined : new Date(nowMs() + days * DAY_MS).toISOString();
}

function wholeNumber(input: CommandInput, name: string): number | undefined {
  const text = textOption(input, name);
  if (text === undefined) return undefined;
  if (!/^\d{1,7}$/.test(text)) throw new UsageError(`\`--${name}\` must be a whole number`);
  return Number(text);
}
