import { isDeepStrictEqual } from "node:util";
import type { Agent } from "@handlebar/protocol";
import type { Kysely } from "kysely";
import type { AgentRecord, AgentsTable } from "./agents-table.ts";
import { pageOf, readCursor } from "./cursor.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { asJson, fromJson, toJson } from "./json-column.ts";
import { lockWorkspace, recordChange } from "./kysely-changes.ts";
import { createClients } from "./kysely-clients.ts";
import { allTools, currentTools, hasTools, mergeTools, replaceTools, toolVersions } from "./kysely-tools.ts";
import type { AgentRow, Database } from "./schema.ts";

export function createAgentsTable(dialect: StoreDialect): AgentsTable {
  const { reads } = dialect;
  return {
    ...createClients(dialect),
    upsert: (workspaceId, given) => upsert(dialect, workspaceId, given),
    putTools: (workspaceId, agentId, { tools, nowMs }) =>
      dialect.write(async (tx) => {
        await lockWorkspace(dialect, tx, workspaceId);
        const slug = await slugOf(tx, workspaceId, agentId);
        const isChanged = await mergeTools(tx, { workspaceId, agentId, tools, nowMs });
        if (slug !== undefined && isChanged) await recordChange(dialect, tx, { workspaceId, kind: "tools", ref: slug });
      }),
    find: async (workspaceId, agentIdOrSlug) => {
      const rows = await reads
        .selectFrom("agents")
        .selectAll()
        .where("workspace_id", "=", workspaceId)
        .where((eb) => eb.or([eb("agent_id", "=", agentIdOrSlug), eb("slug", "=", agentIdOrSlug)]))
        .execute();
      const row = rows.find((one) => one.agent_id === agentIdOrSlug) ?? rows[0];
      return row === undefined ? undefined : toAgent(row);
    },
    list: async (workspaceId, page) => {
      let query = reads.selectFrom("agents").selectAll().where("workspace_id", "=", workspaceId);
      if (page.cursor !== undefined) query = query.where("slug", ">", String(readCursor(page.cursor, ["string"])[0]));
      const rows = await query
        .orderBy("slug")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, { page, item: toAgent, key: (row) => [row.slug] });
    },
    tools: (workspaceId, agentId) => currentTools(reads, workspaceId, agentId),
    inventory: (workspaceId, limit) => allTools(reads, workspaceId, limit),
    toolVersions: (workspaceId, agentId, name) => toolVersions(reads, workspaceId, { agentId, name }),
  };
}

type Registration = Parameters<AgentsTable["upsert"]>[1];

/** A client that starts registers what is known already, as a rule; that asks for no lock. */
async function upsert(dialect: StoreDialect, workspaceId: string, given: Registration): Promise<AgentRecord> {
  const known = await findBySlug(dialect.reads, workspaceId, given.agent.slug);
  if (known === undefined || !(await isRegistered(dialect, known, given))) return register(dialect, workspaceId, given);
  const seenAtMs = Math.max(known.last_seen_at_ms, given.nowMs);
  await dialect.write((tx) => change(tx, known, { last_seen_at_ms: seenAtMs }));
  return toAgent({ ...known, last_seen_at_ms: seenAtMs });
}

async function isRegistered(dialect: StoreDialect, known: AgentRow, { agent, tools }: Registration): Promise<boolean> {
  if (!isDeepStrictEqual(JSON.parse(known.body), asJson(agent))) return false;
  const { workspace_id: workspaceId, agent_id: agentId } = known;
  return tools === undefined || hasTools(dialect.reads, { workspaceId, agentId, tools });
}

function register(dialect: StoreDialect, workspaceId: string, given: Registration): Promise<AgentRecord> {
  const { agent, tools, nowMs } = given;
  return dialect.write(async (tx) => {
    await lockWorkspace(dialect, tx, workspaceId);
    const known = await findBySlug(tx, workspaceId, agent.slug);
    const row = known === undefined ? await create(tx, workspaceId, given) : await update(tx, known, given);
    const hasNewTools =
      tools !== undefined && (await replaceTools(tx, { workspaceId, agentId: row.agent_id, tools, nowMs }));
    if (known === undefined || !hasSameTags(fromJson<Agent>(known.body), agent)) {
      await recordChange(dialect, tx, { workspaceId, kind: "agents", ref: agent.slug });
    } else if (hasNewTools) {
      await recordChange(dialect, tx, { workspaceId, kind: "tools", ref: agent.slug });
    }
    return toAgent(row);
  });
}

function findBySlug(db: Kysely<Database>, workspaceId: string, slug: string): Promise<AgentRow | undefined> {
  return db
    .selectFrom("agents")
    .selectAll()
    .where("workspace_id", "=", workspaceId)
    .where("slug", "=", slug)
    .executeTakeFirst();
}

async function slugOf(tx: WriteTransaction, workspaceId: string, agentId: string): Promise<string | undefined> {
  const row = await tx
    .selectFrom("agents")
    .select("slug")
    .where("workspace_id", "=", workspaceId)
    .where("agent_id", "=", agentId)
    .executeTakeFirst();
  return row?.slug;
}

async function create(tx: WriteTransaction, workspaceId: string, given: Registration): Promise<AgentRow> {
  const row: AgentRow = {
    workspace_id: workspaceId,
    agent_id: given.candidateId,
    slug: given.agent.slug,
    body: toJson(given.agent),
    created_at_ms: given.nowMs,
    updated_at_ms: given.nowMs,
    last_seen_at_ms: given.nowMs,
  };
  await tx.insertInto("agents").values(row).execute();
  return row;
}

async function update(tx: WriteTransaction, known: AgentRow, { agent, nowMs }: Registration): Promise<AgentRow> {
  const isSame = isDeepStrictEqual(JSON.parse(known.body), asJson(agent));
  const changes = {
    body: isSame ? known.body : toJson(agent),
    updated_at_ms: isSame ? known.updated_at_ms : nowMs,
    last_seen_at_ms: Math.max(known.last_seen_at_ms, nowMs),
  };
  await change(tx, known, changes);
  return { ...known, ...changes };
}

async function change(tx: WriteTransaction, known: AgentRow, changes: Partial<AgentRow>): Promise<void> {
  await tx
    .updateTable("agents")
    .set(changes)
    .where("workspace_id", "=", known.workspace_id)
    .where("agent_id", "=", known.agent_id)
    .execute();
}

function hasSameTags(a: Agent, b: Agent): boolean {
  return isDeepStrictEqual(new Set(a.tags), new Set(b.tags));
}

function toAgent(row: AgentRow): AgentRecord {
  return {
    ...fromJson<Agent>(row.body),
    workspaceId: row.workspace_id,
    agentId: row.agent_id,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    lastSeenAtMs: row.last_seen_at_ms,
  };
}
