/// <reference lib="esnext.disposable" preserve="true" />
import { SessionLabels } from "@handlebar/engine";
import {
  type AgentState,
  HandlebarError,
  type JsonObject,
  type Lockdown,
  type Policy,
  type Tool,
} from "@handlebar/protocol";
import { AppliedState, type Refusal } from "./applied-state.ts";
import type { ApprovalDesk } from "./approvals.ts";
import { type HandlebarConfig, type ResolvedConfig, resolveConfig } from "./config.ts";
import type { ControlPlane, LinkStatus } from "./control-plane.ts";
import { withDeadline } from "./deadline.ts";
import { createEventWriter, type EventWriter } from "./event-writer.ts";
import { installExitHooks } from "./exit-hooks.ts";
import { type Failure, onFailure } from "./failure-table.ts";
import { connect } from "./link/connect.ts";
import { LocalApprovals } from "./local-approvals.ts";
import type { PriceSource } from "./pricing.ts";
import { Run } from "./run.ts";
import { checkRunConfig, type RunConfig } from "./run-config.ts";
import { RunCore } from "./run-core.ts";
import { RunRegistry } from "./run-registry.ts";
import { defaultRuntime, type Runtime } from "./runtime.ts";
import { createSafeLogger, type SafeLogger } from "./safe-logger.ts";
import type { Services } from "./services.ts";
import { createProcessWindows } from "./shared-windows.ts";
import type { Sink } from "./sink.ts";
import { type HttpSink, httpSink } from "./sinks/http-sink.ts";
import type { HttpSinkHooks } from "./sinks/http-sink-options.ts";
import { SinkBus } from "./sinks/sink-bus.ts";
import { StateKeeper } from "./state-keeper.ts";
import { KnownTools } from "./tool-registry.ts";

/** How the client stands, for a health page or a start-up log. */
export interface ClientStatus {
  /** `off` where there is no control plane. */
  readonly link: LinkStatus | "off";
  /** The policies and lockdowns in force, as the control plane numbers them. */
  readonly revision: number | undefined;
  readonly policies: readonly Policy[];
  readonly lockdowns: readonly Lockdown[];
  /** Milliseconds since the control plane was last heard from. */
  readonly contactAgeMs: number | undefined;
}

/** A client: one agent's policies, link, sinks and runs in one process. Made by `Handlebar.init`. */
export class HandlebarClient<TContext extends object = JsonObject> {
  readonly #config: ResolvedConfig<TContext>;
  readonly #runtime: Runtime;
  readonly #logger: SafeLogger;
  readonly #state: AppliedState;
  readonly #keeper: StateKeeper | undefined;
  readonly #tools: KnownTools;
  readonly #runs = new RunRegistry<TContext>();
  readonly #bus: SinkBus;
  readonly #link: ControlPlane | undefined;
  readonly #localApprovals: LocalApprovals | undefined;
  readonly #services: Services<TContext>;
  #httpSink: HttpSink | undefined;
  readonly #writer: EventWriter;
  #isSettled: boolean;
  #settling: Promise<void> | undefined;
  #prices: readonly PriceSource[] | Promise<readonly PriceSource[]> | undefined;
  #closing: Promise<void> | undefined;
  readonly #takeAwayHooks: () => void;

  /** @internal use `Handlebar.init`. */
  constructor(config: HandlebarConfig<TContext>) {
    const host = defaultRuntime(isObject(config?.runtime) ? config.runtime : {});
    this.#config = resolveConfig(config, host);
    this.#logger = createSafeLogger(config.logger ?? host.logger);
    const runtime = { ...host, logger: this.#logger };
    this.#runtime = runtime;
    this.#state = new AppliedState(this.#config.policies);
    this.#warnIfNothingGoverned();
    this.#tools = new KnownTools(this.#config.tools);
    this.#bus = new SinkBus(runtime, this.#makeSinks());
    this.#writer = createEventWriter(
      runtime,
      {
        agentId: this.#config.agent.slug,
        runId: `client-${runtime.newId()}`,
        sessionId: undefined,
        actorExternalId: undefined,
      },
      { emit: this.#emit() },
    );
    this.#keeper = this.#makeKeeper();
    this.#takeOverKept();
    this.#link = this.#connect();
    this.#isSettled = this.#link === undefined;
    this.#takeAwayHooks =
      this.#config.sinks === undefined && this.#link !== undefined ? this.#installExitHooks() : noHooks;
    const { onApproval } = this.#config;
    if (this.#link === undefined && onApproval !== undefined)
      this.#localApprovals = new LocalApprovals(runtime, onApproval);
    this.#services = this.#makeServices(this.#link?.approvals ?? this.#localApprovals);
  }

  /** Opens a run, or gives the one that has this `runId`. @throws HandlebarError `HB_RUN_CONFIG_INVALID`. */
  startRun(config: RunConfig<TContext> = {}): Run<TContext> {
    checkRunConfig(config);
    const givenId = config.runId ?? config.snapshot?.runId;
    const known = givenId === undefined ? undefined : this.#runs.find(givenId);
    if (known !== undefined) return known;
    const runId = givenId ?? this.#runtime.newId();
    const core = new RunCore<TContext>(this.#services, config, runId);
    const run = new Run<TContext>(core);
    this.#runs.add(run);
    if (this.#config.enforceMode !== "off") run.obeyLockdowns();
    if (this.#closing !== undefined) void run.end("interrupted");
    return run;
  }

  /** Whether a run is one of this client's. @internal called by adapters. */
  owns(run: { readonly runId: string }): boolean {
    return this.#runs.find(run.runId) === run;
  }

  /**
   * A run of this client that waits for a person, where it is for the same actor and session as `config` asks for.
   * @internal called by adapters.
   */
  findPaused(runId: string, config: Pick<RunConfig<TContext>, "actor" | "sessionId">): Run<TContext> | undefined {
    const run = this.#runs.find(runId);
    const actor = config.actor ?? this.#config.actor;
    const isSame = run?.actor?.externalId === actor?.externalId && run?.sessionId === config.sessionId;
    return run?.state === "paused" && isSame ? run : undefined;
  }

  /** Makes tools known to policies and the control plane; those known already are left alone. */
  registerTools(tools: readonly Tool[]): void {
    const fresh = this.#tools.register(tools);
    if (fresh.length > 0) this.#link?.registerTools(this.#tools.all());
  }

  /**
   * Resolves when the control plane has answered (or there is none), with how the client stands then.
   * @throws HandlebarError `HB_API_AUTH` or `HB_API_UNREACHABLE` with `failClosed`, when it refused the key or did not answer
   * within `initTimeoutMs`.
   */
  async ready(): Promise<ClientStatus> {
    if (this.#link !== undefined) {
      const answered = await withDeadline(this.#runtime, this.#link.answered, {
        timeoutMs: this.#config.initTimeoutMs,
      });
      const { status } = this.#link;
      if (this.#config.failClosed && status !== "ready") {
        const refused = status === "refused";
        throw new HandlebarError(
          refused ? "HB_API_AUTH" : "HB_API_UNREACHABLE",
          refused
            ? "the control plane refused the API key; check HANDLEBAR_API_KEY"
            : `the control plane did not answer${answered.ok ? "" : ` within ${this.#config.initTimeoutMs} ms`}; check \`endpoint\``,
        );
      }
    }
    return this.status;
  }

  get status(): ClientStatus {
    const ageMs = this.#link?.contactAgeMs();
    return {
      link: this.#link?.status ?? "off",
      revision: this.#state.revision,
      policies: this.#state.set.policies,
      lockdowns: this.#state.lockdowns,
      contactAgeMs: ageMs !== undefined && Number.isFinite(ageMs) ? ageMs : undefined,
    };
  }

  /** Ends open runs as interrupted, those apart that are paused, delivers what can be delivered within `flushTimeoutMs`, closes the link. Idempotent. */
  shutdown(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #close(): Promise<void> {
    // A paused run waits for a person, and goes on elsewhere.
    for (const run of this.#runs.open()) if (run.state !== "paused") void run.end("interrupted");
    this.#localApprovals?.close();
    const kept = this.#keeper?.flush() ?? Promise.resolve();
    await Promise.all([
      this.#link?.close(),
      this.#bus.close(this.#config.flushTimeoutMs),
      withDeadline(this.#runtime, kept, { timeoutMs: this.#config.flushTimeoutMs }),
    ]);
    this.#takeAwayHooks();
  }

  /** What was recorded is delivered when the program ends without `shutdown`; on signals only where that was asked for. */
  #installExitHooks(): () => void {
    return installExitHooks(
      { flush: (deadlineMs) => this.#bus.flush(deadlineMs), closeNow: () => this.#bus.closeNow() },
      { handleSignals: this.#config.handleSignals, signalDeadlineMs: this.#config.flushTimeoutMs },
    );
  }

  #makeServices(approvals: ApprovalDesk | undefined): Services<TContext> {
    return {
      config: this.#config,
      runtime: this.#runtime,
      logger: this.#logger,
      state: this.#state,
      link: this.#link,
      approvals,
      shared: this.#link?.shared ?? createProcessWindows(this.#runtime),
      tools: this.#tools,
      sessions: new SessionLabels(),
      prices: () => (this.#prices ??= this.#loadPrices()),
      settled: () => this.#settled(),
      failure: () => this.#failure(),
      emit: this.#emit(),
      stateOf: (runId) => this.#runs.find(runId)?.memory,
      runEnded: (runId) => this.#runs.markEnded(runId),
      flush: () => this.#bus.flush(this.#config.flushTimeoutMs),
    };
  }

  #emit(): Services<TContext>["emit"] {
    return this.#bus.hasSinks ? (event) => this.#bus.write(event) : undefined;
  }

  #settled(): Promise<void> | undefined {
    if (this.#isSettled) return undefined;
    this.#settling ??= this.#waitForFirstAnswer();
    return this.#settling;
  }

  async #waitForFirstAnswer(): Promise<void> {
    if (this.#link?.status === "connecting") {
      await withDeadline(this.#runtime, this.#link.answered, { timeoutMs: this.#config.initTimeoutMs });
    }
    this.#isSettled = true;
  }

  #failure(): Failure | undefined {
    const link = this.#link;
    if (link === undefined || link.status === "ready") return undefined;
    if (link.status === "refused") return "auth-refused";
    if (link.status === "lost" && link.contactAgeMs() <= this.#config.staleAfterMs) return undefined;
    if (this.#state.revision === undefined) return "not-ready";
    const isKeptFresh =
      !Number.isFinite(link.contactAgeMs()) && (this.#keeper?.ageMs() ?? Infinity) <= this.#config.staleAfterMs;
    return isKeptFresh ? "not-ready" : "stale";
  }

  async #loadPrices(): Promise<readonly PriceSource[]> {
    const own = this.#config.prices === undefined ? [] : [this.#config.prices];
    try {
      const { modelPrices } = await import("#model-prices");
      this.#prices = [...own, modelPrices];
    } catch {
      this.#logger.warnOnce("prices", "the price list of models could not be loaded; costs are unknown");
      this.#prices = own;
    }
    return this.#prices;
  }

  #makeSinks(): readonly Sink[] {
    const { apiKey, endpoint, sinks } = this.#config;
    if (sinks === undefined && apiKey === undefined) return [];
    const hooks = this.#sinkHooks();
    for (const sink of sinks ?? []) if (isHttpSink(sink)) sink.attach(hooks);
    if (sinks !== undefined || apiKey === undefined) return sinks ?? [];
    this.#httpSink = httpSink({ endpoint, apiKey, runtime: this.#runtime, ...hooks });
    return [this.#httpSink];
  }

  #sinkHooks(): HttpSinkHooks {
    return {
      makeDropped: ({ runId, counts, ranges }) =>
        this.#runs.find(runId)?.makeDropped({ counts: [...counts], ranges: [...ranges] }),
      onAnswer: (revision) => this.#link?.revisionSeen(revision),
      onAuthFailure: () => this.#logger.warnOnce("HB_API_AUTH", "HB_API_AUTH: the control plane refused the API key"),
    };
  }

  #connect(): ControlPlane | undefined {
    const { apiKey, endpoint, agent, requestTimeoutMs } = this.#config;
    if (apiKey === undefined) return undefined;
    return connect({
      endpoint,
      apiKey,
      agent,
      tools: () => this.#tools.all(),
      requestTimeoutMs,
      runtime: this.#runtime,
      logger: this.#logger,
      onReady: () => this.#httpSink?.wake(),
      onContact: () => this.#keeper?.confirmed(),
      revision: () => this.#state.revision,
      lockdowns: () => ({
        revision: this.#state.lockdownRevision,
        ids: this.#state.lockdowns.map(({ lockdownId }) => lockdownId),
      }),
      enforceMode: this.#config.enforceMode,
      onState: (state) => this.#apply(state),
      onLockdowns: (revision, lockdowns) => {
        if (!this.#state.applyLockdowns(revision, lockdowns)) return;
        this.#obeyLockdowns();
        this.#keeper?.changed();
      },
    });
  }

  #makeKeeper(): StateKeeper | undefined {
    const { apiKey, endpoint, agent, stateCache: cache } = this.#config;
    if (cache === undefined || apiKey === undefined) return undefined;
    const scope = { endpoint, apiKey, agent: agent.slug };
    return new StateKeeper({ cache, scope, state: this.#state, runtime: this.#runtime, logger: this.#logger });
  }

  /** What the last process left is in force until the control plane says something newer. */
  #takeOverKept(): void {
    const kept = this.#keeper?.load();
    if (kept === undefined) return;
    const { revision, policies, lockdownRevision, lockdowns } = kept;
    this.#state.applyLockdowns(lockdownRevision, lockdowns);
    if (revision !== undefined) this.#take({ revision, policies: [...policies], lockdowns: [...lockdowns] });
  }

  #apply(state: AgentState): Refusal | undefined {
    const before = this.#state.received;
    const refused = this.#take(state);
    const after = this.#state.received;
    const isChanged = before?.revision !== after?.revision || before?.lockdownRevision !== after?.lockdownRevision;
    if (isChanged) this.#keeper?.changed();
    return refused;
  }

  #take(state: AgentState): Refusal | undefined {
    const { changed, refused } = this.#state.apply(state);
    const { revision } = state;
    this.#obeyLockdowns();
    if (changed || refused !== undefined) {
      this.#writer.write("policy.applied", () => ({
        data: {
          revision,
          policyIds: this.#state.set.policies.flatMap((policy) => (policy.id === undefined ? [] : [policy.id])),
          ...(refused === undefined ? {} : { refused }),
        },
      }));
    }
    if (refused !== undefined) this.#logger.error(`HB_STATE_REFUSED: revision ${revision}: ${refused.message}`);
    return refused;
  }

  /** Stops the runs that a lockdown covers at once, calls in flight included. */
  #obeyLockdowns(): void {
    if (this.#config.enforceMode === "off") return;
    for (const run of this.#runs.open()) run.obeyLockdowns();
  }

  #warnIfNothingGoverned(): void {
    const { apiKey, policies, enforceMode, failClosed } = this.#config;
    if (apiKey !== undefined || policies.length > 0 || enforceMode === "off") return;
    const consequence = onFailure("nothing-configured", failClosed);
    const message =
      "neither an API key nor policies were given, so nothing is governed; set HANDLEBAR_API_KEY or pass `policies`";
    if (consequence.throws) throw new HandlebarError(consequence.code, message);
    if (consequence.warns) this.#logger.warnOnce(consequence.code, `${consequence.code}: ${message}`);
  }
}

const noHooks = (): void => undefined;

function isHttpSink(sink: Sink): sink is HttpSink {
  return "attach" in sink && typeof sink.attach === "function";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The entry point. */
export const Handlebar = {
  /**
   * Puts an agent under policy. Returns at once: registration, policies and the live link come in the background, and the
   * first hook waits for them at most `initTimeoutMs`.
   * @throws HandlebarError `HB_CONFIG_…` or `HB_POLICY_…` where the configuration is wrong; nothing else throws later.
   */
  init<TContext extends object = JsonObject>(config: HandlebarConfig<TContext>): HandlebarClient<TContext> {
    return new HandlebarClient<TContext>(config);
  },
} as const;
