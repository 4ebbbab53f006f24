import type { DeliveryFailure } from "./delivery.ts";

/** What to tell the developer of a failed attempt; never holds a payload or the key. */
export function explainFailure(outcome: DeliveryFailure): {
  readonly key: string;
  readonly message: string;
} {
  switch (outcome.kind) {
    case "unavailable": {
      const status = outcome.status === undefined ? "" : ` with status ${outcome.status}`;
      if (outcome.reason === "bad_answer" || outcome.reason === "long_answer") {
        return {
          key: outcome.reason,
          message: `HB_API_BAD_ANSWER: the endpoint answered${status}, and not as a control plane`,
        };
      }
      return {
        key: "unreachable",
        message: `HB_API_UNREACHABLE: events cannot be delivered (${outcome.reason}${status})`,
      };
    }
    case "refused": {
      const code = outcome.problem === undefined ? "" : ` (${outcome.problem.code})`;
      return {
        key: "refused",
        message: `HB_API_REJECTED: a batch of events was refused with status ${outcome.status}${code}`,
      };
    }
    case "too_large":
      return { key: "too_large", message: "HB_API_REJECTED: a batch of events was too large for the endpoint" };
    case "not_compressed":
      return { key: "not_compressed", message: "HB_API_REJECTED: the endpoint does not take compressed bodies" };
    case "unauthorised":
      return { key: "unauthorised", message: `HB_API_AUTH: the API key was refused with status ${outcome.status}` };
  }
}
