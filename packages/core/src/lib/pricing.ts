import type { Model } from "@handlebar/protocol";

/** Tokens of one model call; counts are of that call alone. */
export interface Usage {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  /** The part of `inputTokens` that was read from a cache. */
  readonly cachedInputTokens?: number | undefined;
  /** The part of `inputTokens` that was written to a cache. */
  readonly cacheWriteTokens?: number | undefined;
  /** The part of `outputTokens` that was reasoning. */
  readonly reasoningTokens?: number | undefined;
  /** What the call cost, where the provider says so; used as it is. */
  readonly costUsd?: number | undefined;
}

/** The price of one model call in US dollars at an instant (epoch ms); `undefined` when the model is not known. */
export type PriceSource = (model: Model, usage: Usage, atMs: number) => number | undefined;

/** Asks each source in turn; the provider's own figure comes first. A source that throws is passed over. */
export function costOf(
  sources: readonly PriceSource[],
  call: { readonly model: Model | undefined; readonly usage: Usage; readonly atMs: number },
): number | undefined {
  const { model, usage, atMs } = call;
  if (usage.costUsd !== undefined) return usage.costUsd;
  if (model === undefined) return undefined;
  for (const source of sources) {
    try {
      const cost = source(model, usage, atMs);
      if (cost !== undefined && Number.isFinite(cost) && cost >= 0) return cost;
    } catch {
      // A user's price function must not cost the agent its call; the next source answers.
    }
  }
  return undefined;
}
