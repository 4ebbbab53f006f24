import type { Agent, Tool } from "@handlebar/protocol";
import type { Page, PageRequest } from "./page.ts";

export interface AgentRecord extends Agent {
  readonly workspaceId: string;
  readonly agentId: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly lastSeenAtMs: number;
}

/** A tool in an agent's inventory. */
export interface ToolRecord {
  readonly tool: Tool;
  /** Grows by one when the definition changes; from 1. */
  readonly version: number;
  readonly firstSeenAtMs: number;
  readonly changedAtMs: number;
}

/** What one client of an agent last said that it applied, and when it was last heard from. */
export interface ClientRecord {
  readonly clientId: string;
  readonly agentId: string;
  readonly revision: number;
  /** With which its stop orders came. */
  readonly lockdownRevision: number;
  readonly lockdownIds: readonly string[];
  /** Whether it acts upon stop orders. */
  readonly enforceMode: "enforce" | "shadow" | "off";
  readonly refused: { readonly code: string; readonly message: string } | undefined;
  /** `undefined` when it has not said anything yet. */
  readonly ackedAtMs: number | undefined;
  readonly seenAtMs: number;
}

/** What a client says. */
export interface ClientAck extends Omit<ClientRecord, "ackedAtMs" | "seenAtMs"> {
  readonly ackedAtMs: number;
}

export interface ClientRef {
  readonly workspaceId: string;
  readonly agentId: string;
  readonly clientId: string;
}

export interface AgentsTable {
  /**
   * Registers an agent by its slug, or updates it (`candidateId` is its id when it is new); tools, when given, replace the inventory. Where its tags
   * changed (or it is new), the change `agents` is recorded; else, where a tool came, went or changed, the change `tools`.
   */
  upsert(
    workspaceId: string,
    given: {
      readonly agent: Agent;
      readonly tools?: readonly Tool[] | undefined;
      readonly candidateId: string;
      readonly nowMs: number;
    },
  ): Promise<AgentRecord>;
  /** Merges tools into the inventory: new ones are added, changed ones get a new version, others stay. Records the change `tools` unless all are as they were. */
  putTools(
    workspaceId: string,
    agentId: string,
    given: { readonly tools: readonly Tool[]; readonly nowMs: number },
  ): Promise<void>;
  /** By id or by slug. */
  find(workspaceId: string, agentIdOrSlug: string): Promise<AgentRecord | undefined>;
  list(workspaceId: string, page: PageRequest): Promise<Page<AgentRecord>>;
  tools(workspaceId: string, agentId: string): Promise<readonly ToolRecord[]>;
  /** Every version of one tool, newest first. */
  toolVersions(workspaceId: string, agentId: string, name: string): Promise<readonly ToolRecord[]>;
  /** The tools of every agent of the workspace, at most `limit`, by agent and name: what policies are checked against. */
  inventory(workspaceId: string, limit: number): Promise<readonly { readonly agentId: string; readonly tool: Tool }[]>;
  /**
   * Keeps the newest acknowledgement of each client, all in one transaction, and when it first obeyed each stop order; a client comes once in the
   * list. The newest is that with the newest revisions; of two with the same ones that which came last.
   */
  acknowledge(workspaceId: string, clients: readonly ClientAck[]): Promise<void>;
  /** Notes that clients were heard from. */
  touchClients(clients: readonly ClientRef[], seenAtMs: number): Promise<void>;
  /** Forgets clients that ended in peace. */
  forgetClients(workspaceId: string, clients: readonly Pick<ClientRef, "agentId" | "clientId">[]): Promise<void>;
  /** By agent and client; of more than `limit` those heard from last. */
  clients(
    workspaceId: string,
    agentId?: string,
    bounds?: { readonly sinceMs: number; readonly limit: number },
  ): Promise<readonly ClientRecord[]>;
  /** Forgets clients not heard of since. */
  pruneClients(beforeMs: number): Promise<number>;
}
