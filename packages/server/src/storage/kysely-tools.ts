import { isDeepStrictEqual } from "node:util";
import type { Tool } from "@handlebar/protocol";
import type { Kysely } from "kysely";
import type { ToolRecord } from "./agents-table.ts";
import type { WriteTransaction } from "./dialect.ts";
import { asJson, fromJson, toJson } from "./json-column.ts";
import type { Database, ToolRow, ToolVersionRow } from "./schema.ts";

interface Inventory {
  readonly workspaceId: string;
  readonly agentId: string;
  readonly tools: readonly Tool[];
  readonly nowMs: number;
}

/** Makes the inventory what it is given. @returns whether anything changed. */
export async function replaceTools(tx: WriteTransaction, inventory: Inventory): Promise<boolean> {
  const known = await ofAgent(tx, inventory.workspaceId, inventory.agentId).execute();
  const isMerged = await putTools(tx, inventory, known);
  const isRemoved = await removeOtherTools(tx, inventory, known);
  return isMerged || isRemoved;
}

/** Adds new tools and new versions of changed ones. @returns whether anything changed. */
export async function mergeTools(tx: WriteTransaction, inventory: Inventory): Promise<boolean> {
  return putTools(tx, inventory, await ofAgent(tx, inventory.workspaceId, inventory.agentId).execute());
}

async function putTools(tx: WriteTransaction, inventory: Inventory, known: readonly ToolRow[]): Promise<boolean> {
  const { workspaceId, agentId, tools, nowMs } = inventory;
  const byName = new Map(known.map((row) => [row.name, row]));
  let isChanged = false;
  // Of two tools of one name the later one counts.
  for (const tool of new Map(tools.map((one) => [one.name, one])).values()) {
    const before = byName.get(tool.name);
    const isSame = before !== undefined && isSameTool(before, tool);
    if (isSame && before.removed_at_ms === null) continue;
    const version: ToolVersionRow = {
      workspace_id: workspaceId,
      agent_id: agentId,
      name: tool.name,
      version: isSame ? before.version : (before?.version ?? 0) + 1,
      body: toJson(tool),
      first_seen_at_ms: before?.first_seen_at_ms ?? nowMs,
      changed_at_ms: isSame ? before.changed_at_ms : nowMs,
    };
    isChanged = true;
    await putTool(tx, version);
    if (!isSame) await tx.insertInto("agent_tool_versions").values(version).execute();
  }
  return isChanged;
}

async function putTool(tx: WriteTransaction, version: ToolVersionRow): Promise<void> {
  const { body, version: number, changed_at_ms } = version;
  await tx
    .insertInto("agent_tools")
    .values({ ...version, removed_at_ms: null })
    .onConflict((conflict) =>
      conflict
        .columns(["workspace_id", "agent_id", "name"])
        .doUpdateSet({ body, version: number, changed_at_ms, removed_at_ms: null }),
    )
    .execute();
}

/** Takes out of the inventory what it does not name any more; versions stay. */
async function removeOtherTools(
  tx: WriteTransaction,
  inventory: Inventory,
  known: readonly ToolRow[],
): Promise<boolean> {
  const { workspaceId, agentId, tools, nowMs } = inventory;
  const kept = new Set(tools.map((tool) => tool.name));
  const removed = known.filter((row) => row.removed_at_ms === null && !kept.has(row.name));
  for (const { name } of removed) {
    await tx
      .updateTable("agent_tools")
      .set({ removed_at_ms: nowMs })
      .where("workspace_id", "=", workspaceId)
      .where("agent_id", "=", agentId)
      .where("name", "=", name)
      .execute();
  }
  return removed.length > 0;
}

/** Whether the inventory is as given already. */
export async function hasTools(db: Kysely<Database>, inventory: Omit<Inventory, "nowMs">): Promise<boolean> {
  const { workspaceId, agentId, tools } = inventory;
  const known = await ofAgent(db, workspaceId, agentId).where("removed_at_ms", "is", null).execute();
  const given = new Map(tools.map((tool) => [tool.name, tool]));
  return known.length === given.size && known.every((row) => isSameTool(row, given.get(row.name)));
}

function isSameTool(row: ToolRow, tool: Tool | undefined): boolean {
  return tool !== undefined && isDeepStrictEqual(JSON.parse(row.body), asJson(tool));
}

/** Of every agent, at most `limit`. */
export async function allTools(
  db: Kysely<Database>,
  workspaceId: string,
  limit: number,
): Promise<readonly { readonly agentId: string; readonly tool: Tool }[]> {
  const rows = await db
    .selectFrom("agent_tools")
    .select(["agent_id", "body"])
    .where("workspace_id", "=", workspaceId)
    .where("removed_at_ms", "is", null)
    .orderBy("agent_id")
    .orderBy("name")
    .limit(limit)
    .execute();
  return rows.map((row) => ({ agentId: row.agent_id, tool: fromJson<Tool>(row.body) }));
}

export async function currentTools(
  db: Kysely<Database>,
  workspaceId: string,
  agentId: string,
): Promise<readonly ToolRecord[]> {
  const rows = await ofAgent(db, workspaceId, agentId).where("removed_at_ms", "is", null).orderBy("name").execute();
  return rows.map(toTool);
}

/** Newest first. */
export async function toolVersions(
  db: Kysely<Database>,
  workspaceId: string,
  { agentId, name }: { readonly agentId: string; readonly name: string },
): Promise<readonly ToolRecord[]> {
  const rows = await db
    .selectFrom("agent_tool_versions")
    .selectAll()
    .where("workspace_id", "=", workspaceId)
    .where("agent_id", "=", agentId)
    .where("name", "=", name)
    .orderBy("version", "desc")
    .execute();
  return rows.map(toTool);
}

function ofAgent(db: Kysely<Database>, workspaceId: string, agentId: string) {
  return db
    .selectFrom("agent_tools")
    .selectAll()
    .where("workspace_id", "=", workspaceId)
    .where("agent_id", "=", agentId);
}

function toTool(row: ToolRow | ToolVersionRow): ToolRecord {
  return {
    tool: fromJson<Tool>(row.body),
    version: row.version,
    firstSeenAtMs: row.first_seen_at_ms,
    changedAtMs: row.changed_at_ms,
  };
}
