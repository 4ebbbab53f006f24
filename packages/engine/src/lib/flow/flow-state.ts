import type { JsonObject, Origin } from "@handlebar/protocol";
import { FLOW_LABEL_COUNT_MAX } from "../limits.ts";
import { PendingLabels } from "./pending-labels.ts";
import { SentValues } from "./sent-values.ts";
import { TextIndex } from "./text-index.ts";

/** The first result that gave a run its label; both are empty for a label that the run began with. */
export interface LabelSource {
  readonly callId: string;
  readonly tool: string;
}

/** Places in which values are seen. */
export type Place = Exclude<Origin, "unseen">;

interface FlowParts {
  readonly pending: PendingLabels;
  readonly seen: Readonly<Record<Place, TextIndex>>;
  readonly sent: SentValues;
}

const NO_LABELS: ReadonlyMap<string, LabelSource> = new Map();

/**
 * A run's labels, which only grow, and where values of its arguments can have come from. Most runs have few of these, so that
 * each part is made when there is something to keep in it.
 */
export class FlowState {
  #labels: Map<string, LabelSource> | undefined;
  #hasEveryLabel = false;
  #pending: PendingLabels | undefined;
  readonly seen: Readonly<Record<Place, TextIndex>>;
  readonly sent: SentValues;
  #isInherited = false;

  constructor(parts: Partial<FlowParts> = {}) {
    this.#pending = parts.pending;
    this.seen = parts.seen ?? {
      // What the user said first is what the run is for; of results, the newest are acted upon.
      prompt: new TextIndex("first"),
      trusted: new TextIndex("last"),
      untrusted: new TextIndex("last"),
    };
    this.sent = parts.sent ?? new SentValues();
  }

  /** In the order in which the run got them. */
  get labels(): ReadonlyMap<string, LabelSource> {
    return this.#labels ?? NO_LABELS;
  }

  get pending(): PendingLabels {
    this.#pending ??= new PendingLabels();
    return this.#pending;
  }

  /** What is said to this run as a prompt are the words of the agent that started it, not a person's. */
  get isInherited(): boolean {
    return this.#isInherited;
  }

  /** The run has the label, or a call in flight may bring it. */
  has(label: string): boolean {
    return this.labels.has(label) || this.#hasEveryLabel || this.#pending?.has(label) === true;
  }

  add(label: string, source: LabelSource): void {
    this.#labels ??= new Map();
    if (this.#labels.has(label)) return;
    if (this.#labels.size < FLOW_LABEL_COUNT_MAX) this.#labels.set(label, source);
    else this.#hasEveryLabel = true;
  }

  /** A call ended: what it may have brought is no longer pending. */
  arrived(callId: string): void {
    this.#pending?.arrived(callId);
  }

  /** Something was seen in one of these places that no index took in. */
  lose(places: readonly Place[]): void {
    for (const place of places) this.seen[place].lose();
  }

  snapshot(): JsonObject {
    const { prompt, trusted, untrusted } = this.seen;
    return {
      labels: [...this.labels].map(([label, { callId, tool }]) => [label, callId, tool]),
      hasEveryLabel: this.#hasEveryLabel,
      pending: this.pending.snapshot(),
      seen: { prompt: prompt.snapshot(), trusted: trusted.snapshot(), untrusted: untrusted.snapshot() },
      sent: this.sent.snapshot(),
      isInherited: this.#isInherited,
    };
  }

  /** The state of a snapshot, which may come from outside; `undefined` when it is none. */
  static restore(snapshot: unknown): FlowState | undefined {
    if (typeof snapshot !== "object" || snapshot === null) return undefined;
    const { labels, hasEveryLabel, pending, seen, sent, isInherited } = snapshot as Readonly<Record<string, unknown>>;
    if (typeof hasEveryLabel !== "boolean" || typeof isInherited !== "boolean" || !Array.isArray(labels))
      return undefined;
    const restored = {
      pending: PendingLabels.restore(pending),
      seen: restoreSeen(seen),
      sent: SentValues.restore(sent),
    };
    if (restored.pending === undefined || restored.seen === undefined || restored.sent === undefined) return undefined;
    const state = new FlowState({ pending: restored.pending, seen: restored.seen, sent: restored.sent });
    for (const entry of labels as readonly unknown[]) {
      if (!Array.isArray(entry)) return undefined;
      const [label, callId, tool] = entry as readonly unknown[];
      if (typeof label !== "string" || typeof callId !== "string" || typeof tool !== "string") return undefined;
      state.add(label, { callId, tool });
    }
    state.#hasEveryLabel ||= hasEveryLabel;
    state.#isInherited = isInherited;
    return state;
  }

  /** The state of a run that another one starts: what that one knows is known, and its labels are there from the start. */
  static inherit(parent: FlowState): FlowState {
    const { prompt, trusted, untrusted } = parent.seen;
    const seen = { prompt: prompt.copy(), trusted: trusted.copy(), untrusted: untrusted.copy() };
    const sent = new SentValues();
    sent.join(parent.sent);
    const state = new FlowState({ seen, sent });
    state.#isInherited = true;
    state.#joinLabels(parent);
    return state;
  }

  /** Takes in the labels of a run that this one started, and what it sent. */
  join(child: FlowState): void {
    this.#joinLabels(child);
    this.sent.join(child.sent);
  }

  #joinLabels(other: FlowState): void {
    for (const [label, source] of other.labels) this.add(label, source);
    // What a call in flight may bring has no call here that would end.
    for (const label of other.#pending?.names() ?? []) this.add(label, { callId: "", tool: "" });
    this.#hasEveryLabel ||= other.#hasEveryLabel || other.#pending?.isFull === true;
  }
}

function restoreSeen(seen: unknown): FlowState["seen"] | undefined {
  if (typeof seen !== "object" || seen === null) return undefined;
  const parts = seen as Readonly<Record<string, unknown>>;
  const prompt = TextIndex.restore(parts["prompt"], "first");
  const trusted = TextIndex.restore(parts["trusted"], "last");
  const untrusted = TextIndex.restore(parts["untrusted"], "last");
  if (prompt === undefined || trusted === undefined || untrusted === undefined) return undefined;
  return { prompt, trusted, untrusted };
}
