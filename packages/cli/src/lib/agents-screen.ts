import type { AgentClient, RegisteredAgent, RegisteredTool } from "@handlebar/protocol";
import type { CommandContext } from "./command.ts";
import { count, paint, table } from "./screen.ts";

/** Prints a list of agents. */
export function printAgents(agents: readonly RegisteredAgent[], context: CommandContext): void {
  if (agents.length > 0) {
    const rows = agents.map(({ slug, name = "", tags = [], lastSeenAt }) => [slug, name, tags.join(" "), lastSeenAt]);
    context.out(table([["agent", "name", "tags", "last seen"], ...rows]));
  }
  context.err(`${count(agents.length, "agent")}\n`);
}

/** Prints one agent with its tools and clients. */
export function printAgent(
  {
    agent,
    revision,
    clients,
    tools,
  }: {
    readonly agent: RegisteredAgent;
    readonly revision: number;
    readonly clients: readonly AgentClient[];
    readonly tools: readonly RegisteredTool[];
  },
  context: CommandContext,
): void {
  const { slug, agentId, name, description, tags = [], createdAt, lastSeenAt } = agent;
  context.out(`${paint(context, "bold", slug)}${name === undefined ? "" : ` (${name})`}\n`);
  if (description !== undefined) context.out(`${description}\n`);
  const facts = [
    ["id", agentId],
    ["tags", tags.join(" ") || "none"],
    ["registered", createdAt],
    ["last seen", lastSeenAt],
    ["revision", String(revision)],
  ];
  context.out(table(facts));
  if (tools.length > 0) {
    const rows = tools.map(({ tool, version }) => [tool.name, `v${version}`, (tool.tags ?? []).join(" ") || "no tags"]);
    context.out(`\n${count(tools.length, "tool")}\n${table(rows)}`);
  }
  if (clients.length === 0) return;
  const rows = clients.map((client) => [client.clientId, client.seenAt, standingOf(client, revision)]);
  context.out(`\n${count(clients.length, "client")}\n${table(rows)}`);
}

function standingOf({ revision: has, refused }: AgentClient, revision: number): string {
  if (refused !== undefined) return `refused a revision, has ${has}: ${refused.code}`;
  return has >= revision ? `has revision ${has}` : `has revision ${has}, not ${revision} yet`;
}
