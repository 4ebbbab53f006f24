import { HandlebarError, type Policy } from "@handlebar/protocol";
import type { FileFormat } from "./source-text.ts";
import { inWrittenOrder } from "./written-order.ts";
import { yamlText } from "./yaml-text.ts";

export interface PrintOptions {
  /** Default `yaml`. */
  readonly format?: FileFormat | undefined;
}

/**
 * Policies as people write them: fields in a fixed order, short objects on one line, several policies as YAML documents
 * or below `policies` in JSON. The trees of expressions are left out, since reading makes them from `src`. What
 * `parsePolicies` reads from the text equals `policies`.
 *
 * @throws HandlebarError `HB_POLICY_INVALID` when there is no policy: no text stands for none.
 */
export function printPolicies(policies: readonly Policy[], options: PrintOptions = {}): string {
  const plain = policies.map(inWrittenOrder);
  const [first] = plain;
  if (first === undefined) {
    throw new HandlebarError("HB_POLICY_INVALID", "there is no policy to print; give at least one");
  }
  if (options.format !== "json") return plain.map(yamlText).join("---\n");
  return `${JSON.stringify(plain.length === 1 ? first : { policies: plain }, undefined, 2)}\n`;
}
