import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { currentKeyAnswerSchema } from "@handlebar/protocol";
import { API_OPTION_HELP, API_OPTIONS, ApiClient, serverUrl } from "../api-client.ts";
import { type Command, type CommandContext, type CommandInput, flag, textOption } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { timeoutSignal } from "../host-clock.ts";
import { paint, table } from "../screen.ts";
import { requireServerNode } from "../server-node.ts";
import { importServer, SERVER_OPTION_HELP, SERVER_OPTIONS, serverConfig } from "../server-options.ts";
import { VERSION } from "../version.ts";

/** One thing that was looked at. */
interface Finding {
  readonly what: string;
  readonly isFine: boolean;
  readonly says: string;
}

interface Setting {
  readonly name: string;
  readonly value: string;
  readonly source: string;
}

const PROBE_TIMEOUT_MS = 5000;
/** Below it a store soon has no room for its log. */
const FREE_BYTES_MIN = 512 * 1024 * 1024;

export const doctor: Command = {
  name: "doctor",
  summary: "Says what is set up, from where, and what does not work.",
  usage: "[--json] [options of serve]",
  details: `Prints every setting of the control plane with where it came from, secrets left out, and looks at Node.js, the store's folder, the
control plane at --server and the API key. Exits with 1 when something is not as it should be.`,
  options: { ...SERVER_OPTIONS, ...API_OPTIONS, json: { type: "boolean" } },
  optionHelp: { ...SERVER_OPTION_HELP, ...API_OPTION_HELP, json: "as JSON" },
  async run(input, context) {
    const findings: Finding[] = [checkNode()];
    let settings: readonly Setting[] = [];
    if (findings.every(({ isFine }) => isFine)) {
      const server = await importServer();
      const loaded = serverConfig(server, input, context);
      settings = loaded.settings;
      findings.push({ what: "configuration file", isFine: true, says: loaded.file ?? "none" });
      if (loaded.config.databaseUrl === undefined) findings.push(checkFolder(loaded.config.folder));
    }
    findings.push(...(await checkServer(input, context)));
    if (flag(input, "json")) {
      context.out(`${JSON.stringify({ version: VERSION, settings, findings }, undefined, 2)}\n`);
    } else {
      show({ settings, findings }, context);
    }
    return findings.every(({ isFine }) => isFine) ? EXIT.ok : EXIT.found;
  },
};

function show(
  { settings, findings }: { readonly settings: readonly Setting[]; readonly findings: readonly Finding[] },
  context: CommandContext,
): void {
  context.out(`handlebar ${VERSION}\n\n`);
  if (settings.length > 0) {
    context.out(
      table([["SETTING", "FROM", "VALUE"], ...settings.map(({ name, value, source }) => [name, source, value])]),
    );
    context.out("\n");
  }
  for (const { what, isFine, says } of findings) {
    context.out(`${isFine ? paint(context, "green", "ok   ") : paint(context, "red", "wrong")} ${what}: ${says}\n`);
  }
}

function checkNode(): Finding {
  const { node } = process.versions;
  try {
    requireServerNode(node);
    return { what: "Node.js", isFine: true, says: node };
  } catch (error) {
    return { what: "Node.js", isFine: false, says: textOf(error) };
  }
}

function checkFolder(folder: string): Finding {
  const what = "store";
  // A store that was never opened lies where its folder will be made.
  let place = folder;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  const { bavail, bsize } = statfsSync(place);
  const freeBytes = bavail * bsize;
  const free = `${Math.round(freeBytes / 1024 / 1024)} MiB free`;
  const says = `${folder}${existsSync(folder) ? "" : " (made at the first start)"}, ${free}`;
  return { what, isFine: freeBytes >= FREE_BYTES_MIN, says };
}

async function checkServer(input: CommandInput, context: CommandContext): Promise<readonly Finding[]> {
  const url = serverUrl(input, context);
  const ready = await probe(`${url}/readyz`);
  const findings: Finding[] = [{ what: "control plane", isFine: ready.isFine, says: `${url}: ${ready.says}` }];
  const apiKey = textOption(input, "api-key") ?? context.env["HANDLEBAR_API_KEY"] ?? "";
  if (apiKey === "") findings.push({ what: "API key", isFine: false, says: "HANDLEBAR_API_KEY is not set" });
  else if (ready.isFine) findings.push(await checkKey(new ApiClient(url, apiKey)));
  return findings;
}

async function checkKey(api: ApiClient): Promise<Finding> {
  try {
    const { key, workspace } = await api.request("GET", "/v1/keys/current", { schema: currentKeyAnswerSchema });
    const ends = key.expiresAt === undefined ? "" : `, until ${key.expiresAt}`;
    const says = `${key.keyId} (${key.name}) of the workspace ${workspace.name}: ${key.scopes.join(", ")}${ends}`;
    return { what: "API key", isFine: true, says };
  } catch (error) {
    return { what: "API key", isFine: false, says: textOf(error) };
  }
}

async function probe(url: string): Promise<Pick<Finding, "isFine" | "says">> {
  try {
    const response = await fetch(url, { signal: timeoutSignal(PROBE_TIMEOUT_MS), redirect: "error" });
    const text = await response.text();
    return { isFine: response.ok, says: response.ok ? "ready" : `${response.status} ${text.slice(0, 200)}` };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { isFine: false, says: `cannot be reached (${textOf(cause)})` };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
