import type { PriceSource } from "./pricing.ts";

/** Edge bundles carry no price list: a cost is known where the provider says it or `prices` is configured. */
export const modelPrices: PriceSource = () => undefined;
