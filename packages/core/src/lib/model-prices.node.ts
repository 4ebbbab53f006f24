import { calcPrice } from "@pydantic/genai-prices";
import type { PriceSource } from "./pricing.ts";

/** Published prices of the well-known models, from the data that `@pydantic/genai-prices` ships. */
export const modelPrices: PriceSource = (model, usage, atMs) => {
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
      ...(model.provider === undefined ? {} : { providerId: model.provider }),
    },
  );
  return result?.total_price;
};
