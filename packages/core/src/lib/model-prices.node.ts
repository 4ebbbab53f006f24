import { calcPrice, type Provider } from "@pydantic/genai-prices";
import type { PriceSource } from "./pricing.ts";

/** Published prices of the well-known models, from the data that `@pydantic/genai-prices` ships. */
export const modelPrices: PriceSource = (model, usage, atMs) => {
  const key = `${model.provider ?? ""}\n${model.name}`;
  const known = knownModels.get(key);
  if (known === NOT_LISTED) return undefined;
  const result = calcPrice(
    {
      input_tokens: usage.inputTokens ?? 0,
      output_tokens: usage.outputTokens ?? 0,
      ...(usage.cachedInputTokens === undefined ? {} : { cache_read_tokens: usage.cachedInputTokens }),
      ...(usage.cacheWriteTokens === undefined ? {} : { cache_write_tokens: usage.cacheWriteTokens }),
    },
    model.name,
    {
      timestamp: new Date(atMs),
      ...(known === undefined ? {} : { provider: known }),
      ...(model.provider === undefined ? {} : { providerId: model.provider }),
    },
  );
  if (known === undefined) remember(key, result === null ? NOT_LISTED : { ...result.provider, models: [result.model] });
  return result?.total_price;
};

const NOT_LISTED = "not listed";
const KNOWN_MODEL_COUNT_MAX = 256;

/** The provider of each model that was asked for, with that model alone: going through the whole list takes longer than deciding a call. */
const knownModels = new Map<string, Provider | typeof NOT_LISTED>();

function remember(key: string, found: Provider | typeof NOT_LISTED): void {
  if (knownModels.size >= KNOWN_MODEL_COUNT_MAX) knownModels.clear();
  knownModels.set(key, found);
}
