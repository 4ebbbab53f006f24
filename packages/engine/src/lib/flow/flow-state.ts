import type { JsonObject, Origin } from "@handlebar/protocol";
import { LABEL_COUNT_MAX, PENDING_FLOW_COUNT_MAX } from "../limits.ts";
import { TextIndex } from "./text-index.ts";

/** The first result that gave a run its label. */
export interface LabelSource {
  readonly callId: string;
  readonly tool: string;
}

/** A run's labels, which only grow, and where values of its arguments can have come from. */
export class FlowState {
  readonly labels: Map<string, LabelSource> = new Map();
  readonly seen: Readonly<Record<Exclude<Origin, "unseen">, TextIndex>>;
  /** Labels that calls in flight may bring, by call. */
  readonly #pending = new Map<string, readonly string[]>();
  /** Labels of calls in flight that there was no room for: they count as pending for good. */
  readonly #lost = new Set<string>();

  constructor(seen: FlowState["seen"] = { prompt: new TextIndex(), trusted: new TextIndex(), untrusted: new TextIndex() }) {
    this.seen = seen;
  }

  /** The run has the label, or a call in flight may bring it. */
  has(label: string): boolean {
    if (this.labels.has(label) || this.#lost.has(label)) return true;
    for (const labels of this.#pending.values()) if (labels.includes(label)) return true;
    return false;
  }

  add(label: string, source: LabelSource): void {
    if (!this.labels.has(label) && this.labels.size < LABEL_COUNT_MAX) this.labels.set(label, source);
  }

  expect(callId: string, labels: readonly string[]): void {
    if (labels.length === 0) return;
    const known = this.#pending.get(callId);
    if (known === undefined && this.#pending.size >= PENDING_FLOW_COUNT_MAX) {
      for (const label of labels) this.#lost.add(label);
      return;
    }
    this.#pending.set(callId, known === undefined ? labels : [...known, ...labels]);
  }

  arrived(callId: string): void {
    this.#pending.delete(callId);
  }

  snapshot(): JsonObject {
    const { prompt, trusted, untrusted } = this.seen;
    return {
      labels: [...this.labels].map(([label, { callId, tool }]) => [label, callId, tool]),
      pending: [...this.#pending].map(([callId, labels]) => [callId, labels]),
      lost: [...this.#lost],
      seen: { prompt: prompt.snapshot(), trusted: trusted.snapshot(), untrusted: untrusted.snapshot() },
    };
  }

  /** The state of a snapshot, which may come from outside; `undefined` when it is none. */
  static restore(snapshot: unknown): FlowState | undefined {
    if (typeof snapshot !== "object" || snapshot === null) return undefined;
    const { labels, pending, lost, seen } = snapshot as Readonly<Record<string, unknown>>;
    const parts = (seen ?? {}) as Readonly<Record<string, unknown>>;
    const prompt = TextIndex.restore(parts["prompt"]);
    const trusted = TextIndex.restore(parts["trusted"]);
    const untrusted = TextIndex.restore(parts["untrusted"]);
    if (prompt === undefined || trusted === undefined || untrusted === undefined) return undefined;
    if (!Array.isArray(labels) || !Array.isArray(pending) || !Array.isArray(lost)) return undefined;
    const state = new FlowState({ prompt, trusted, untrusted });
    for (const entry of labels) {
      if (!isTexts(entry) || entry.length !== 3) return undefined;
      state.add(entry[0] ?? "", { callId: entry[1] ?? "", tool: entry[2] ?? "" });
    }
    for (const entry of pending) {
      if (!Array.isArray(entry) || typeof entry[0] !== "string" || !isTexts(entry[1])) return undefined;
      state.expect(entry[0], entry[1]);
    }
    if (!isTexts(lost)) return undefined;
    for (const label of lost) state.#lost.add(label);
    return state;
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

export function createFlowState(): FlowState {
  return new FlowState();
}
