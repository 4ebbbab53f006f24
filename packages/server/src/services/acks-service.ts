import type { AckStanding } from "@handlebar/protocol";
import { ACK_CLIENT_COUNT_MAX, CLIENT_COUNTED_MS } from "../limits.ts";
import type { ClientRecord } from "../storage/agents-table.ts";
import type { Store } from "../storage/store.ts";
import { isPolicyFor } from "./agent-policies.ts";
import type { AgentRecord, AgentsService } from "./agents-service.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime } from "./server-runtime.ts";

/** A client, its agent, and where it stands to the newest policies. */
export interface StandingClient {
  readonly client: ClientRecord;
  /** The slug. */
  readonly agent: string;
  readonly standing: AckStanding;
}

/** Which clients have the newest policies, or one of them. */
export interface AcksReport {
  /** With which they changed last. */
  readonly revision: number;
  readonly counts: Readonly<Record<AckStanding, number>>;
  /** Of those that are current, the ones that do not act upon policies. */
  readonly unenforcedCount: number;
  /** Those to look at first come first. */
  readonly clients: readonly StandingClient[];
}

export interface AcksServiceDeps {
  readonly store: Pick<Store, "policies">;
  readonly runtime: Pick<ServerRuntime, "nowMs">;
  readonly agents: Pick<AgentsService, "find" | "clients">;
}

const ORDER: readonly AckStanding[] = ["refused", "behind", "silent", "current"];

/** Who has acknowledged which policies. */
export class AcksService {
  readonly #deps: AcksServiceDeps;

  constructor(deps: AcksServiceDeps) {
    this.#deps = deps;
  }

  /** Of all policies, or of one and the clients that it is for. @throws ServiceProblem `HB_NOT_FOUND`. */
  async report(workspaceId: string, policyId?: string): Promise<AcksReport> {
    const { store, runtime } = this.#deps;
    const policy = policyId === undefined ? undefined : await store.policies.get(workspaceId, policyId);
    if (policyId !== undefined && policy === undefined) {
      const message = `there is no policy \`${policyId}\`; see \`GET /v1/policies\``;
      throw new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field: "policyId" });
    }
    const revision = await store.policies.changedAtRevision(workspaceId, policyId);
    const nowMs = runtime.nowMs();
    const clients: StandingClient[] = [];
    for (const { client, agent } of await this.#clients(workspaceId)) {
      if (policy !== undefined && agent !== undefined && !isPolicyFor(policy.policy, agent)) continue;
      const standing = standingOf(client, revision, nowMs);
      clients.push({ client, agent: agent?.slug ?? client.agentId, standing });
    }
    const counts = { current: 0, behind: 0, refused: 0, silent: 0 };
    for (const { standing } of clients) counts[standing] += 1;
    const unenforcedCount = clients.filter(
      ({ client, standing }) => standing === "current" && client.enforceMode !== "enforce",
    ).length;
    return { revision, counts, unenforcedCount, clients: clients.toSorted(byUrgency).slice(0, ACK_CLIENT_COUNT_MAX) };
  }

  async #clients(
    workspaceId: string,
  ): Promise<readonly { readonly client: ClientRecord; readonly agent: AgentRecord | undefined }[]> {
    const { agents } = this.#deps;
    const clients = await agents.clients(workspaceId);
    const found = new Map<string, AgentRecord | undefined>();
    for (const { agentId } of clients) {
      if (!found.has(agentId)) found.set(agentId, await agents.find(workspaceId, agentId));
    }
    return clients.map((client) => ({ client, agent: found.get(client.agentId) }));
  }
}

function standingOf(client: ClientRecord, revision: number, nowMs: number): AckStanding {
  // One that has not said anything yet has nothing, whatever the revision.
  if (client.ackedAtMs !== undefined && client.revision >= revision) return "current";
  if (nowMs - client.seenAtMs > CLIENT_COUNTED_MS) return "silent";
  return client.refused === undefined ? "behind" : "refused";
}

function byUrgency(a: StandingClient, b: StandingClient): number {
  return ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing) || b.client.seenAtMs - a.client.seenAtMs;
}
