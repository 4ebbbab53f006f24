import {
  type AgentList,
  agentAnswerSchema,
  agentListSchema,
  type RegisteredAgent,
  toolListSchema,
} from "@handlebar/protocol";
import { printAgent, printAgents } from "../agents-screen.ts";
import { API_OPTION_HELP, API_OPTIONS, type ApiClient, apiClient } from "../api-client.ts";
import { type Command, flag, UsageError } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { pagesOf } from "../pages.ts";

/** Pages that are read of a list: at 1,000 agents each. */
const PAGE_COUNT_MAX = 100;

export const agents: Command = {
  name: "agents",
  summary: "Lists the agents that registered with a control plane, or shows one.",
  usage: "[<slug or id>] [--json] [--server <url>]",
  details: "Of one agent it shows the tools, and which revision each of its clients has applied or why it refused one.",
  options: { ...API_OPTIONS, json: { type: "boolean" } },
  optionHelp: { ...API_OPTION_HELP, json: "as JSON" },
  async run(input, context) {
    const [ref, more] = input.positionals;
    if (more !== undefined) throw new UsageError("name one agent");
    const api = apiClient(input, context);
    if (ref === undefined) {
      const list = await listAgents(api);
      if (flag(input, "json")) context.out(`${JSON.stringify(list, undefined, 2)}\n`);
      else printAgents(list, context);
      return EXIT.ok;
    }
    const path = `/v1/agents/${encodeURIComponent(ref)}`;
    const answer = await api.request("GET", path, { schema: agentAnswerSchema });
    const { tools } = await api.request("GET", `${path}/tools`, { schema: toolListSchema });
    if (flag(input, "json")) context.out(`${JSON.stringify({ ...answer, tools }, undefined, 2)}\n`);
    else printAgent({ ...answer, tools }, context);
    return EXIT.ok;
  },
};

async function listAgents(api: ApiClient): Promise<readonly RegisteredAgent[]> {
  const all: RegisteredAgent[] = [];
  const ask = (cursor: string | undefined): Promise<AgentList> =>
    api.request("GET", "/v1/agents", { query: { limit: 1_000, cursor }, schema: agentListSchema });
  for await (const { agents } of pagesOf(ask, PAGE_COUNT_MAX)) all.push(...agents);
  return all;
}
