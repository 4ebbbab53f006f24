import { createHash } from "node:crypto";
import type { AckBody, Agent, RegisterAgentBody, Tool } from "@handlebar/protocol";
import { AGENT_CACHE_COUNT_MAX, CLIENT_COUNT_MAX, CLIENT_LIVE_MS, REGISTRATION_FRESH_MS } from "../limits.ts";
import type { AgentRecord, ClientRecord, ToolRecord } from "../storage/agents-table.ts";
import type { Page, PageRequest } from "../storage/page.ts";
import type { Store } from "../storage/store.ts";
import { AckQueue } from "./ack-queue.ts";
import type { ChangeFeed } from "./change-feed.ts";
import { ClientPresence } from "./client-presence.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import { WorkspaceCache } from "./workspace-cache.ts";
import type { WorkspaceSnapshot } from "./workspace-snapshot.ts";
import type { WorkspaceStates } from "./workspace-states.ts";

export type { AgentRecord, ClientRecord, ToolRecord } from "../storage/agents-table.ts";

export interface AgentsServiceDeps {
  readonly store: Pick<Store, "agents">;
  readonly runtime: ServerRuntime;
  readonly feed: Pick<ChangeFeed, "onChanges" | "settle">;
  readonly states: WorkspaceStates;
}

interface Inventory {
  readonly slug: string;
  readonly tools: readonly Tool[];
}

interface Registration {
  readonly agent: AgentRecord;
  /** Of what was registered. */
  readonly digest: string;
  readonly atMs: number;
}

/** Agents, their tools, and what their clients have applied. */
export class AgentsService {
  readonly #store: Pick<Store, "agents">;
  readonly #runtime: ServerRuntime;
  readonly #feed: Pick<ChangeFeed, "settle">;
  readonly #states: WorkspaceStates;
  readonly #agents: WorkspaceCache<AgentRecord>;
  readonly #inventories: WorkspaceCache<Inventory>;
  /** The last one of each slug. */
  readonly #registrations: WorkspaceCache<Registration>;
  readonly #acks: AckQueue;
  /** Which clients are heard from. */
  readonly presence: ClientPresence;

  constructor({ store, runtime, feed, states }: AgentsServiceDeps) {
    this.#store = store;
    this.#runtime = runtime;
    this.#feed = feed;
    this.#states = states;
    this.#agents = new WorkspaceCache({
      feed,
      countMax: AGENT_CACHE_COUNT_MAX,
      isTouched: (agent, { changes }) => changes.some(({ kind, ref }) => kind === "agents" && ref === agent.slug),
    });
    this.#inventories = new WorkspaceCache({
      feed,
      countMax: AGENT_CACHE_COUNT_MAX,
      isTouched: ({ slug }, { changes }) =>
        changes.some(({ kind, ref }) => (kind === "tools" || kind === "agents") && ref === slug),
    });
    this.#registrations = new WorkspaceCache({
      feed,
      countMax: AGENT_CACHE_COUNT_MAX,
      isTouched: ({ agent }, { changes }) =>
        changes.some(({ kind, ref }) => (kind === "tools" || kind === "agents") && ref === agent.slug),
    });
    this.#acks = new AckQueue(store.agents);
    this.presence = new ClientPresence({ table: store.agents, runtime });
  }

  /**
   * Registers an agent by its slug, or updates it. Tools, unless the list is empty, become its whole inventory. The same registration again within
   * a minute, as when many clients start at once, is not written again.
   */
  async register(workspaceId: string, body: RegisterAgentBody): Promise<AgentRecord> {
    const { slug } = body;
    const digest = createHash("sha256").update(JSON.stringify(body)).digest("base64");
    const load = (): Promise<Registration> => this.#write(workspaceId, body, digest);
    const known = await this.#registrations.get(workspaceId, slug, load);
    if (known?.digest === digest && this.#runtime.nowMs() - known.atMs < REGISTRATION_FRESH_MS) return known.agent;
    this.#registrations.forget(workspaceId, slug);
    return ((await this.#registrations.get(workspaceId, slug, load)) ?? (await load())).agent;
  }

  async #write(workspaceId: string, { tools, ...agent }: RegisterAgentBody, digest: string): Promise<Registration> {
    const given = tools === undefined || tools.length === 0 ? undefined : withoutTwins(tools);
    const nowMs = this.#runtime.nowMs();
    const candidateId = this.#runtime.newId();
    return {
      agent: await this.#store.agents.upsert(workspaceId, { agent, tools: given, candidateId, nowMs }),
      digest,
      atMs: nowMs,
    };
  }

  /** Adds tools to an agent's inventory, or changes those that it has. @throws ServiceProblem `HB_NOT_FOUND`. */
  async putTools(workspaceId: string, agentIdOrSlug: string, tools: readonly Tool[]): Promise<void> {
    const { agentId } = await this.require(workspaceId, agentIdOrSlug);
    if (tools.length === 0) return;
    const nowMs = this.#runtime.nowMs();
    await this.#store.agents.putTools(workspaceId, agentId, { tools: withoutTwins(tools), nowMs });
    await this.#feed.settle(workspaceId);
  }

  /** By id or slug. Its slug and tags are current; its name, description and times may be older. */
  find(workspaceId: string, agentIdOrSlug: string): Promise<AgentRecord | undefined> {
    return this.#agents.get(workspaceId, agentIdOrSlug, () => this.#store.agents.find(workspaceId, agentIdOrSlug));
  }

  /** As `find`. @throws ServiceProblem `HB_NOT_FOUND`. */
  async require(workspaceId: string, agentIdOrSlug: string): Promise<AgentRecord> {
    const agent = await this.find(workspaceId, agentIdOrSlug);
    if (agent === undefined) throw noAgent(agentIdOrSlug);
    return agent;
  }

  /** Read anew, whole. @throws ServiceProblem `HB_NOT_FOUND`. */
  async read(workspaceId: string, agentIdOrSlug: string): Promise<AgentRecord> {
    const agent = await this.#store.agents.find(workspaceId, agentIdOrSlug);
    if (agent === undefined) throw noAgent(agentIdOrSlug);
    return agent;
  }

  list(workspaceId: string, page: PageRequest): Promise<Page<AgentRecord>> {
    return this.#store.agents.list(workspaceId, page);
  }

  /** The tools of an agent, for decisions: kept in memory. */
  async toolsOf(
    workspaceId: string,
    { agentId, slug }: Pick<AgentRecord, "agentId" | "slug">,
  ): Promise<readonly Tool[]> {
    const inventory = await this.#inventories.get(workspaceId, agentId, async () => {
      const records = await this.#store.agents.tools(workspaceId, agentId);
      return { slug, tools: records.map(({ tool }) => tool) };
    });
    return inventory?.tools ?? [];
  }

  /** The inventory with its versions. @throws ServiceProblem `HB_NOT_FOUND`. */
  async tools(workspaceId: string, agentIdOrSlug: string): Promise<readonly ToolRecord[]> {
    const { agentId } = await this.require(workspaceId, agentIdOrSlug);
    return this.#store.agents.tools(workspaceId, agentId);
  }

  /** Every version of one tool, newest first. @throws ServiceProblem `HB_NOT_FOUND`. */
  async toolVersions(workspaceId: string, agentIdOrSlug: string, name: string): Promise<readonly ToolRecord[]> {
    const { agentId, slug } = await this.require(workspaceId, agentIdOrSlug);
    const versions = await this.#store.agents.toolVersions(workspaceId, agentId, name);
    if (versions.length > 0) return versions;
    const message = `agent \`${slug}\` has never had a tool \`${name}\`; see \`GET /v1/agents/${slug}/tools\``;
    throw new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field: "name" });
  }

  /** An agent's state as JSON text, with everything that was committed before the call. */
  async freshStateJson(workspaceId: string, agent: Agent): Promise<string> {
    return this.stateJson(await this.#states.fresh(workspaceId), agent);
  }

  /** An agent's state as JSON text. */
  stateJson(snapshot: WorkspaceSnapshot, agent: Agent): string {
    return snapshot.stateJsonFor(agent, this.#runtime.nowMs());
  }

  /** Notes what a client has applied. @throws ServiceProblem `HB_NOT_FOUND`. */
  async acknowledge(workspaceId: string, agentIdOrSlug: string, ack: AckBody): Promise<void> {
    const { agentId } = await this.require(workspaceId, agentIdOrSlug);
    const { left: hasLeft = false, lockdownRevision = ack.revision, enforceMode = "enforce", ...said } = ack;
    if (hasLeft) this.presence.forget({ workspaceId, agentId, clientId: ack.clientId });
    const ackedAtMs = this.#runtime.nowMs();
    const { clientId, revision, lockdownIds, refused } = said;
    const client = { clientId, agentId, revision, lockdownRevision, lockdownIds, enforceMode, refused, ackedAtMs };
    await this.#acks.add(workspaceId, { ack: client, hasLeft });
  }

  /**
   * What the clients of one agent, or of every agent, last said: of those heard from within the last day that did not say goodbye,
   * the newest 10,000.
   */
  async clients(workspaceId: string, agentId?: string): Promise<readonly ClientRecord[]> {
    const bounds = { sinceMs: this.#runtime.nowMs() - CLIENT_LIVE_MS, limit: CLIENT_COUNT_MAX };
    const known = await this.#store.agents.clients(workspaceId, agentId, bounds);
    return known.map((client) => {
      const seenAtMs = this.presence.seenAtMs({ workspaceId, agentId: client.agentId, clientId: client.clientId }) ?? 0;
      return seenAtMs > client.seenAtMs ? { ...client, seenAtMs } : client;
    });
  }
}

/** Of two tools with one name the last one counts: frameworks that gather tools from several servers bring such lists. */
function withoutTwins(tools: readonly Tool[]): readonly Tool[] {
  return [...new Map(tools.map((tool) => [tool.name, tool])).values()];
}

function noAgent(agentIdOrSlug: string): ServiceProblem {
  const message = `there is no agent \`${agentIdOrSlug}\`; register it with \`PUT /v1/agents\` first`;
  return new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field: "agentId" });
}
