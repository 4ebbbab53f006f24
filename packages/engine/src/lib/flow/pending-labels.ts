import type { JsonObject } from "@handlebar/protocol";
import { FLOW_LABEL_COUNT_MAX, PENDING_FLOW_COUNT_MAX } from "../limits.ts";
import { isTexts } from "./is-texts.ts";

/** Labels that calls in flight may bring. */
export class PendingLabels {
  readonly #byCall = new Map<string, ReadonlySet<string>>();
  /** How many calls in flight may bring each label. */
  readonly #counts = new Map<string, number>();
  /** Labels of calls that there was no room for: they count as pending for good. */
  readonly #lost = new Set<string>();
  #isFull = false;

  has(label: string): boolean {
    return this.#counts.has(label) || this.#lost.has(label) || this.#isFull;
  }

  /** Every label counts as pending. */
  get isFull(): boolean {
    return this.#isFull;
  }

  names(): readonly string[] {
    return [...new Set([...this.#counts.keys(), ...this.#lost])];
  }

  /** A call begins. One that is expected already may bring these labels too. */
  expect(callId: string, labels: readonly string[]): void {
    if (labels.length === 0) return;
    const known = this.#byCall.get(callId);
    if (known === undefined && this.#byCall.size >= PENDING_FLOW_COUNT_MAX) {
      this.#lose(labels);
      return;
    }
    const all = new Set([...(known ?? []), ...labels]);
    this.arrived(callId);
    this.#byCall.set(callId, all);
    for (const label of all) this.#counts.set(label, (this.#counts.get(label) ?? 0) + 1);
  }

  /** A call ended. */
  arrived(callId: string): void {
    for (const label of this.#byCall.get(callId) ?? []) {
      const count = (this.#counts.get(label) ?? 0) - 1;
      if (count > 0) this.#counts.set(label, count);
      else this.#counts.delete(label);
    }
    this.#byCall.delete(callId);
  }

  snapshot(): JsonObject {
    return {
      calls: [...this.#byCall].map(([callId, labels]) => [callId, [...labels]]),
      lost: [...this.#lost],
      isFull: this.#isFull,
    };
  }

  /** What a snapshot holds, which may come from outside; `undefined` when it is none. */
  static restore(snapshot: unknown): PendingLabels | undefined {
    if (typeof snapshot !== "object" || snapshot === null) return undefined;
    const { calls, lost, isFull } = snapshot as Readonly<Record<string, unknown>>;
    if (!Array.isArray(calls) || !isTexts(lost) || typeof isFull !== "boolean") return undefined;
    const pending = new PendingLabels();
    for (const entry of calls as readonly unknown[]) {
      if (!Array.isArray(entry)) return undefined;
      const [callId, labels] = entry as readonly unknown[];
      if (typeof callId !== "string" || !isTexts(labels)) return undefined;
      pending.expect(callId, labels);
    }
    pending.#lose(lost);
    pending.#isFull ||= isFull;
    return pending;
  }

  #lose(labels: readonly string[]): void {
    for (const label of labels) {
      if (this.#lost.size < FLOW_LABEL_COUNT_MAX) this.#lost.add(label);
      else this.#isFull = true;
    }
  }
}
