import type { Runtime, Timer } from "@handlebar/core";
import { compile } from "@handlebar/engine";
import type { Agent, AgentState, LinkMessage, Lockdown, Policy, Tool } from "@handlebar/protocol";
import type { BodyWriter } from "../sim-http.ts";

/** An agent that registered. */
export interface RegisteredAgent {
  readonly agentId: string;
  readonly agent: Agent;
  readonly tools: readonly Tool[];
}

interface OpenStream {
  readonly registered: RegisteredAgent;
  readonly writer: BodyWriter;
}

/** Agents, policies and lockdowns at their revision, with those who wait for the next one. */
export class StateHub {
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #heartbeatMs: number;
  readonly #agents = new Map<string, RegisteredAgent>();
  readonly #streams = new Set<OpenStream>();
  readonly #waiting = new Set<() => void>();
  #revision = 0;
  #policies: readonly Policy[] = [];
  #lockdowns: readonly Lockdown[] = [];

  constructor(runtime: Pick<Runtime, "clock" | "timers">, heartbeatMs: number) {
    this.#runtime = runtime;
    this.#heartbeatMs = heartbeatMs;
  }

  get revision(): number {
    return this.#revision;
  }

  get policies(): readonly Policy[] {
    return this.#policies;
  }

  get lockdowns(): readonly Lockdown[] {
    return this.#lockdowns;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  get agents(): readonly RegisteredAgent[] {
    return [...this.#agents.values()];
  }

  register(agent: Agent, tools: readonly Tool[] | undefined): RegisteredAgent {
    const known = this.#agents.get(agent.slug);
    const registered = { agentId: `agent-${agent.slug}`, agent, tools: tools ?? known?.tools ?? [] };
    this.#agents.set(agent.slug, registered);
    return registered;
  }

  /** By id or slug. */
  find(agentId: string): RegisteredAgent | undefined {
    return this.#agents.get(agentId) ?? this.agents.find((registered) => registered.agentId === agentId);
  }

  /** Ids are filled in as the engine does. Policies that it refuses go out as they are, so that clients can refuse them. */
  setPolicies(policies: readonly Policy[]): void {
    this.#policies = withIds(policies);
    this.#revision++;
    this.#announce((registered) => ({ kind: "state", state: this.stateFor(registered) }));
  }

  setLockdowns(lockdowns: readonly Lockdown[]): void {
    this.#lockdowns = lockdowns;
    this.#revision++;
    this.#announce(() => ({ kind: "lockdowns", revision: this.#revision, lockdowns: [...lockdowns] }));
  }

  stateFor({ agent }: RegisteredAgent): AgentState {
    return {
      revision: this.#revision,
      policies: this.#policies.filter((policy) => isFor(policy, agent)),
      lockdowns: [...this.#lockdowns],
      serverTimeMs: this.#runtime.clock.nowMs(),
    };
  }

  /** Resolves at the next revision, after `waitMs`, or when the client has gone. */
  nextRevision(waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const timer = this.#runtime.timers.set(done, waitMs);
      signal.addEventListener("abort", done, { once: true });
      this.#waiting.add(done);
    });
  }

  /** Opens a stream that starts with the state, unless `lastEventId` is its revision; what it returns closes it. */
  openStream(registered: RegisteredAgent, lastEventId: string | undefined, writer: BodyWriter): () => void {
    const stream = { registered, writer };
    this.#streams.add(stream);
    const isCurrent = lastEventId === String(this.#revision);
    this.#send(stream, isCurrent ? { kind: "heartbeat" } : { kind: "state", state: this.stateFor(registered) });
    let heartbeat: Timer | undefined;
    const beat = (): void => {
      heartbeat = this.#runtime.timers.set(() => {
        this.#send(stream, { kind: "heartbeat" });
        beat();
      }, this.#heartbeatMs);
    };
    beat();
    return () => {
      heartbeat?.cancel();
      this.#streams.delete(stream);
    };
  }

  /** Sends a message to every stream, or to those of one agent. */
  push(message: LinkMessage, slug?: string): void {
    for (const stream of [...this.#streams]) {
      if (slug === undefined || stream.registered.agent.slug === slug) this.#send(stream, message);
    }
  }

  /** Sends text as it is to every stream. */
  pushRaw(text: string): void {
    for (const { writer } of [...this.#streams]) writer.write(text);
  }

  closeStreams(): void {
    for (const { writer } of [...this.#streams]) writer.end();
  }

  #announce(messageFor: (registered: RegisteredAgent) => LinkMessage): void {
    for (const stream of [...this.#streams]) this.#send(stream, messageFor(stream.registered));
    for (const done of [...this.#waiting]) done();
  }

  #send({ writer }: OpenStream, message: LinkMessage): void {
    const hasRevision = message.kind === "state" || message.kind === "lockdowns";
    const id = hasRevision ? `id: ${this.#revision}\n` : "";
    writer.write(`event: ${message.kind}\n${id}data: ${JSON.stringify(message)}\n\n`);
  }
}

function withIds(policies: readonly Policy[]): readonly Policy[] {
  try {
    return compile(policies).policies;
  } catch {
    return policies;
  }
}

function isFor({ agents }: Policy, agent: Agent): boolean {
  const tags = agent.tags ?? [];
  if (agents?.anyOfSlugs?.includes(agent.slug) === false) return false;
  if (agents?.anyOfTags?.some((tag) => tags.includes(tag)) === false) return false;
  return agents?.allOfTags?.every((tag) => tags.includes(tag)) !== false;
}
