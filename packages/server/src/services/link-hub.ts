import type { Approval, LinkMessage, Policy } from "@handlebar/protocol";
import { STREAM_TURN_COUNT } from "../limits.ts";
import type { AgentRecord } from "../storage/agents-table.ts";
import type { Store } from "../storage/store.ts";
import type { AgentsService } from "./agents-service.ts";
import type { ChangeBatch, ChangeFeed } from "./change-feed.ts";
import type { FrameSink } from "./frame-sink.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import { type OpenStream, StreamSet } from "./stream-set.ts";
import type { WorkspaceSnapshot } from "./workspace-snapshot.ts";
import type { SnapshotChange, WorkspaceStates } from "./workspace-states.ts";

export interface LinkHubDeps {
  readonly store: Pick<Store, "approvals">;
  readonly runtime: ServerRuntime;
  readonly feed: Pick<ChangeFeed, "onChanges">;
  readonly states: WorkspaceStates;
  readonly agents: Pick<AgentsService, "find" | "presence">;
  /** Told of what failed; clients learn of what they missed when they ask. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

interface Topic {
  readonly workspaceId: string;
  agent: Pick<AgentRecord, "agentId" | "slug" | "tags">;
  /** As the client names itself. */
  readonly clientId: string | undefined;
  /** The newest revision that was sent. */
  revision: number;
}

type Stream = OpenStream<Topic>;

/** The live link: streams of agents' clients, which get every change of what is in force, answers of approvals and recalls of leases. */
export class LinkHub {
  readonly #deps: LinkHubDeps;
  readonly #streams: StreamSet<Topic>;
  readonly #sending = new Map<string, Promise<void>>();

  constructor(deps: LinkHubDeps) {
    this.#deps = deps;
    this.#streams = new StreamSet(deps.runtime, frameOf({ kind: "heartbeat" }));
    deps.states.onChange((change) => this.#onSnapshot(change));
    deps.feed.onChanges((batch) => this.#onChanges(batch));
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** Clients that were cut off since they did not take what they got. */
  get cutCount(): number {
    return this.#streams.cutCount;
  }

  /**
   * Opens the stream of one client. It starts with the whole state, or with a heartbeat where `lastEventId` says that the client has this
   * revision or a newer one.
   *
   * @returns a function to call when the client has gone.
   */
  open(
    given: {
      readonly agent: AgentRecord;
      /** What was in force when the client asked. */
      readonly snapshot: WorkspaceSnapshot;
      readonly lastEventId: string | undefined;
      readonly clientId?: string | undefined;
    },
    sink: FrameSink,
  ): () => void {
    const { workspaceId } = given.agent;
    const unwatch = this.#deps.states.watch(workspaceId);
    const leave =
      given.clientId === undefined
        ? undefined
        : this.#deps.agents.presence.connected({ workspaceId, agentId: given.agent.agentId, clientId: given.clientId });
    const snapshot = this.#deps.states.peek(workspaceId) ?? given.snapshot;
    const { agent, clientId } = given;
    const stream = this.#streams.open({ workspaceId, agent, clientId, revision: snapshot.revision }, sink);
    const has = revisionOf(given.lastEventId);
    const isCurrent = has !== undefined && has >= snapshot.revision;
    const frame = isCurrent ? frameOf({ kind: "heartbeat" }) : stateFrame(snapshot, given.agent, this.#nowMs());
    this.#streams.send(stream, frame);
    return () => {
      this.#streams.close(stream);
      unwatch();
      leave?.();
    };
  }

  /** Ends every stream: the server stops. */
  close(): void {
    this.#streams.endAll();
  }

  #nowMs(): number {
    return this.#deps.runtime.nowMs();
  }

  /** Changes of one workspace go out one after the other, so that an agent's new tags are read before its policies are sent. */
  #onSnapshot(change: SnapshotChange): void {
    const { workspaceId } = change.snapshot;
    const before = this.#sending.get(workspaceId);
    const now = before === undefined ? this.#announce(change) : before.then(() => this.#announce(change));
    const settled = now.catch((error: unknown) => this.#deps.onError?.(error));
    this.#sending.set(workspaceId, settled);
    void settled.then(() => {
      if (this.#sending.get(workspaceId) === settled) this.#sending.delete(workspaceId);
    });
  }

  async #announce({ snapshot, isOnlyLockdowns, agents }: SnapshotChange): Promise<void> {
    const streams = this.#of(snapshot.workspaceId);
    if (streams.length === 0) return;
    await this.#refreshAgents(streams, agents);
    const frames = isOnlyLockdowns ? lockdownFrames(snapshot, this.#nowMs()) : this.#stateFrames(snapshot);
    for (const [at, stream] of streams.entries()) {
      if (at > 0 && at % STREAM_TURN_COUNT === 0) await this.#turn();
      const { topic } = stream;
      if (topic.revision >= snapshot.revision) continue;
      topic.revision = snapshot.revision;
      this.#streams.send(stream, frames(topic.agent));
    }
  }

  /** The tags of agents that changed select their policies from now on. */
  async #refreshAgents(streams: readonly Stream[], slugs: readonly string[] | undefined): Promise<void> {
    const touched = streams.filter(({ topic }) => slugs?.includes(topic.agent.slug) !== false);
    const workspaceId = touched[0]?.topic.workspaceId;
    if (workspaceId === undefined) return;
    const found = new Map<string, AgentRecord | undefined>();
    for (const { topic } of touched) {
      const { slug } = topic.agent;
      if (!found.has(slug)) found.set(slug, await this.#deps.agents.find(workspaceId, slug));
      topic.agent = found.get(slug) ?? topic.agent;
    }
  }

  #stateFrames(snapshot: WorkspaceSnapshot): (agent: Topic["agent"]) => Uint8Array {
    const frames = new Map<readonly Policy[], Uint8Array>();
    const nowMs = this.#nowMs();
    return (agent) => {
      const policies = snapshot.policiesFor(agent);
      const frame = frames.get(policies) ?? Buffer.from(stateFrame(snapshot, agent, nowMs));
      frames.set(policies, frame);
      return frame;
    };
  }

  #onChanges({ workspaceId, changes }: ChangeBatch): void {
    for (const { kind, ref } of changes) {
      if (kind === "leases") this.#recall(workspaceId, ref);
    }
    const approvalIds = new Set(changes.filter(({ kind }) => kind === "approvals").map(({ ref }) => ref));
    if (approvalIds.size === 0 || this.#of(workspaceId).length === 0) return;
    for (const approvalId of approvalIds) {
      this.#tellApproval(workspaceId, approvalId).catch((error: unknown) => this.#deps.onError?.(error));
    }
  }

  async #tellApproval(workspaceId: string, approvalId: string): Promise<void> {
    const approval: Approval | undefined = (await this.#deps.store.approvals.get(workspaceId, approvalId))?.approval;
    if (approval === undefined || approval.status === "pending") return;
    this.#broadcast(workspaceId, { kind: "approval", approval }, approval.agent);
  }

  /** Told to its holder alone; to all where that one is not named. */
  #recall(workspaceId: string, ref: string): void {
    const [leaseId = "", clientId] = ref.split("\n");
    const frame = Buffer.from(frameOf({ kind: "lease.recall", leaseId }));
    for (const stream of this.#of(workspaceId)) {
      if (clientId === undefined || stream.topic.clientId === clientId) this.#streams.send(stream, frame);
    }
  }

  #broadcast(workspaceId: string, message: LinkMessage, slug?: string): void {
    const frame = Buffer.from(frameOf(message));
    for (const stream of this.#of(workspaceId)) {
      if (slug === undefined || stream.topic.agent.slug === slug) this.#streams.send(stream, frame);
    }
  }

  #of(workspaceId: string): readonly Stream[] {
    return this.#streams.all().filter(({ topic }) => topic.workspaceId === workspaceId);
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#deps.runtime.after(0, resolve);
    });
  }
}

function lockdownFrames({ revision, lockdowns }: WorkspaceSnapshot, nowMs: number): () => Uint8Array {
  const message: LinkMessage = { kind: "lockdowns", revision, lockdowns: [...lockdowns], serverTimeMs: nowMs };
  const frame = Buffer.from(frameOf(message, revision));
  return () => frame;
}

function stateFrame(snapshot: WorkspaceSnapshot, agent: Topic["agent"], nowMs: number): string {
  const data = `{"kind":"state","state":${snapshot.stateJsonFor(agent, nowMs)}}`;
  return `event: state\nid: ${snapshot.revision}\ndata: ${data}\n\n`;
}

function frameOf(message: LinkMessage, revision?: number): string {
  const id = revision === undefined ? "" : `id: ${revision}\n`;
  return `event: ${message.kind}\n${id}data: ${JSON.stringify(message)}\n\n`;
}

/** The revision in a `Last-Event-ID`. */
function revisionOf(lastEventId: string | undefined): number | undefined {
  return lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : undefined;
}
