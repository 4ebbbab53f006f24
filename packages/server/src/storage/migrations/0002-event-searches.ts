import type { Migration } from "../migration.ts";

/** Indexes for what people look for most: the events of a tool or an actor, what was blocked, the runs of a session or an actor. */
export const eventSearches: Migration = {
  version: 2,
  name: "event searches",
  up: async ({ tx }) => {
    await tx.schema
      .createIndex("events_of_tool")
      .on("events")
      .columns(["workspace_id", "tool", "event_id"])
      .where("tool", "is not", null)
      .execute();
    await tx.schema
      .createIndex("events_of_actor")
      .on("events")
      .columns(["workspace_id", "actor_external_id", "event_id"])
      .where("actor_external_id", "is not", null)
      .execute();
    await tx.schema
      .createIndex("events_blocked")
      .on("events")
      .columns(["workspace_id", "verdict", "event_id"])
      .where("verdict", "=", "BLOCK")
      .execute();
    await tx.schema
      .createIndex("runs_of_session")
      .on("runs")
      .columns(["workspace_id", "session_id", "started_at_ms", "run_id"])
      .where("session_id", "is not", null)
      .execute();
    await tx.schema
      .createIndex("runs_of_actor")
      .on("runs")
      .columns(["workspace_id", "actor_external_id", "started_at_ms", "run_id"])
      .where("actor_external_id", "is not", null)
      .execute();
  },
};
