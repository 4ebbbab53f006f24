import { type CreateTableBuilder, sql } from "kysely";
import type { Migration, MigrationContext } from "../migration.ts";

type Column = readonly [name: string, type: "text" | "bigint" | "double", isNullable?: "null"];

interface Table {
  readonly columns: readonly Column[];
  readonly key: readonly string[];
}

const AT: Column = ["created_at_ms", "bigint"];

const CONTROL: Readonly<Record<string, Table>> = {
  workspaces: {
    columns: [["workspace_id", "text"], ["name", "text"], AT, ["change_seq", "bigint"], ["revision", "bigint"]],
    key: ["workspace_id"],
  },
  change_log: {
    columns: [
      ["workspace_id", "text"],
      ["seq", "bigint"],
      ["revision", "bigint"],
      ["kind", "text"],
      ["ref", "text"],
      ["at_ms", "bigint"],
    ],
    key: ["workspace_id", "seq"],
  },
  api_keys: {
    columns: [
      ["workspace_id", "text"],
      ["key_id", "text"],
      ["name", "text"],
      ["secret_hash", "text"],
      ["scopes", "text"],
      AT,
      ["expires_at_ms", "bigint", "null"],
      ["last_used_at_ms", "bigint", "null"],
      ["revoked_at_ms", "bigint", "null"],
      ["replaced_by", "text", "null"],
    ],
    key: ["workspace_id", "key_id"],
  },
  job_leases: {
    columns: [
      ["name", "text"],
      ["holder", "text"],
      ["until_ms", "bigint"],
    ],
    key: ["name"],
  },
  policies: {
    columns: [
      ["workspace_id", "text"],
      ["policy_id", "text"],
      ["version", "bigint"],
      ["body", "text"],
      AT,
      ["updated_at_ms", "bigint"],
      ["updated_by", "text"],
      ["deleted_at_ms", "bigint", "null"],
    ],
    key: ["workspace_id", "policy_id"],
  },
  policy_versions: {
    columns: [
      ["workspace_id", "text"],
      ["policy_id", "text"],
      ["version", "bigint"],
      ["body", "text", "null"],
      ["comment", "text", "null"],
      AT,
      ["created_by", "text"],
    ],
    key: ["workspace_id", "policy_id", "version"],
  },
  lockdowns: {
    columns: [
      ["workspace_id", "text"],
      ["lockdown_id", "text"],
      ["body", "text"],
      ["revision", "bigint"],
      AT,
      ["created_by", "text"],
      ["until_ms", "bigint", "null"],
      ["lifted_at_ms", "bigint", "null"],
      ["lifted_by", "text", "null"],
    ],
    key: ["workspace_id", "lockdown_id"],
  },
  approvals: {
    columns: [
      ["workspace_id", "text"],
      ["approval_id", "text"],
      ["run_id", "text"],
      ["fingerprint", "text"],
      ["agent", "text"],
      ["status", "text"],
      ["requested_at_ms", "bigint"],
      ["expires_at_ms", "bigint"],
      ["body", "text"],
      ["votes", "text"],
      ["taken_by", "text", "null"],
    ],
    key: ["workspace_id", "approval_id"],
  },
};

const TOOL: readonly Column[] = [
  ["workspace_id", "text"],
  ["agent_id", "text"],
  ["name", "text"],
  ["version", "bigint"],
  ["body", "text"],
  ["first_seen_at_ms", "bigint"],
  ["changed_at_ms", "bigint"],
];

const AGENTS: Readonly<Record<string, Table>> = {
  agents: {
    columns: [
      ["workspace_id", "text"],
      ["agent_id", "text"],
      ["slug", "text"],
      ["body", "text"],
      AT,
      ["updated_at_ms", "bigint"],
      ["last_seen_at_ms", "bigint"],
    ],
    key: ["workspace_id", "agent_id"],
  },
  agent_tools: { columns: [...TOOL, ["removed_at_ms", "bigint", "null"]], key: ["workspace_id", "agent_id", "name"] },
  agent_tool_versions: { columns: TOOL, key: ["workspace_id", "agent_id", "name", "version"] },
  agent_clients: {
    columns: [
      ["workspace_id", "text"],
      ["agent_id", "text"],
      ["client_id", "text"],
      ["revision", "bigint"],
      ["lockdown_ids", "text"],
      ["refused", "text", "null"],
      ["acked_at_ms", "bigint"],
    ],
    key: ["workspace_id", "agent_id", "client_id"],
  },
};

const RUNS: Readonly<Record<string, Table>> = {
  runs: {
    columns: [
      ["workspace_id", "text"],
      ["run_id", "text"],
      ["agent", "text"],
      ["session_id", "text", "null"],
      ["actor_external_id", "text", "null"],
      ["actor", "text", "null"],
      ["model", "text", "null"],
      ["tags", "text"],
      ["started_at_ms", "bigint"],
      ["ended_at_ms", "bigint", "null"],
      ["status", "text", "null"],
      ["event_count", "bigint"],
      ["seq_max", "bigint"],
      ["dropped_count", "bigint"],
      ["decision_count", "bigint"],
      ["block_count", "bigint"],
      ["last_event_at_ms", "bigint", "null"],
    ],
    key: ["workspace_id", "run_id"],
  },
  dropped_ranges: {
    columns: [
      ["workspace_id", "text"],
      ["run_id", "text"],
      ["from_seq", "bigint"],
      ["to_seq", "bigint"],
    ],
    key: ["workspace_id", "run_id", "from_seq", "to_seq"],
  },
  run_states: {
    columns: [
      ["workspace_id", "text"],
      ["run_id", "text"],
      ["started_at_ms", "bigint"],
      ["is_terminated", "bigint"],
      ["version", "bigint"],
      ["used_at_ms", "bigint"],
      // Last, so that what stands before it is read without it.
      ["snapshot", "text"],
    ],
    key: ["workspace_id", "run_id"],
  },
  session_labels: {
    columns: [
      ["workspace_id", "text"],
      ["session_id", "text"],
      ["label", "text"],
      ["used_at_ms", "bigint"],
    ],
    key: ["workspace_id", "session_id", "label"],
  },
};

const BUDGETS: Readonly<Record<string, Table>> = {
  budget_heads: {
    columns: [
      ["workspace_id", "text"],
      ["key_text", "text"],
      ["key", "text"],
      ["window_ms", "bigint"],
      ["used_at_ms", "bigint"],
    ],
    key: ["workspace_id", "key_text"],
  },
  budget_buckets: {
    columns: [
      ["workspace_id", "text"],
      ["key_text", "text"],
      ["end_ms", "bigint"],
      ["used", "double"],
    ],
    key: ["workspace_id", "key_text", "end_ms"],
  },
  budget_leases: {
    columns: [
      ["workspace_id", "text"],
      ["key_text", "text"],
      ["lease_id", "text"],
      ["client_id", "text"],
      ["granted", "double"],
      ["spent", "double"],
      ["expires_at_ms", "bigint"],
      ["status", "text"],
      ["assumed_end_ms", "bigint", "null"],
      ["assumed", "double"],
    ],
    key: ["workspace_id", "key_text", "lease_id"],
  },
};

const EVENTS: Table = {
  columns: [
    ["workspace_id", "text"],
    ["event_id", "text"],
    ["run_id", "text"],
    ["seq", "bigint"],
    ["agent", "text"],
    ["session_id", "text", "null"],
    ["actor_external_id", "text", "null"],
    ["kind", "text"],
    ["ts_ms", "bigint"],
    ["tool", "text", "null"],
    ["verdict", "text", "null"],
    ["cause", "text", "null"],
    ["rule_id", "text", "null"],
    ["json", "text"],
  ],
  key: ["workspace_id", "event_id"],
};

const INDEXES: Readonly<Record<string, { readonly on: string; readonly columns: readonly string[] }>> = {
  api_keys_by_id: { on: "api_keys", columns: ["key_id"] },
  approvals_of_run: { on: "approvals", columns: ["workspace_id", "run_id", "fingerprint"] },
  approvals_newest: { on: "approvals", columns: ["workspace_id", "requested_at_ms", "approval_id"] },
  approvals_to_expire: { on: "approvals", columns: ["status", "expires_at_ms"] },
  runs_newest: { on: "runs", columns: ["workspace_id", "started_at_ms", "run_id"] },
  runs_of_agent: { on: "runs", columns: ["workspace_id", "agent", "started_at_ms", "run_id"] },
  run_states_by_use: { on: "run_states", columns: ["used_at_ms"] },
  events_of_run: { on: "events", columns: ["workspace_id", "run_id", "seq"] },
  events_of_agent: { on: "events", columns: ["workspace_id", "agent", "event_id"] },
};

/** The tables of the first version. */
export const first: Migration = {
  version: 1,
  name: "first",
  up: async (context) => {
    for (const [name, table] of Object.entries({ ...CONTROL, ...AGENTS, ...RUNS, ...BUDGETS })) {
      await createTable(context, name, table).execute();
    }
    await createEvents(context);
    await context.tx.schema
      .createIndex("agents_by_slug")
      .unique()
      .on("agents")
      .columns(["workspace_id", "slug"])
      .execute();
    for (const [name, { on, columns }] of Object.entries(INDEXES)) {
      await context.tx.schema
        .createIndex(name)
        .on(on)
        .columns([...columns])
        .execute();
    }
    await createLeaseIndexes(context);
  },
};

/** Most leases are done soon, and of the others all are asked for at once. */
async function createLeaseIndexes({ tx }: MigrationContext): Promise<void> {
  await tx.schema
    .createIndex("leases_open")
    .on("budget_leases")
    .columns(["workspace_id", "key_text", "expires_at_ms", "granted", "spent"])
    .where(sql<boolean>`status = 'open'`)
    .execute();
  await tx.schema
    .createIndex("leases_done")
    .on("budget_leases")
    .column("expires_at_ms")
    .where(sql<boolean>`status <> 'open'`)
    .execute();
}

function createTable(context: MigrationContext, name: string, table: Table): CreateTableBuilder<string, string> {
  let builder: CreateTableBuilder<string, string> = context.tx.schema.createTable(name);
  for (const [column, type, nullable] of table.columns) {
    builder = builder.addColumn(column, context[type], (one) => (nullable === undefined ? one.notNull() : one));
  }
  builder = builder.addPrimaryKeyConstraint(`${name}_key`, [...table.key]);
  return context.kind === "sqlite" ? builder.modifyEnd(sql`strict`) : builder;
}

/** On PostgreSQL the key's own range makes the partitions, so that an event is stored once whatever its partition. */
async function createEvents(context: MigrationContext): Promise<void> {
  const builder = createTable(context, "events", EVENTS);
  if (context.kind === "sqlite") return builder.execute();
  await builder.modifyEnd(sql`partition by range (event_id)`).execute();
  await sql`create table events_default partition of events default`.execute(context.tx);
}
