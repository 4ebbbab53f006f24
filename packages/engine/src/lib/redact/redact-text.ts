import type { DetectorId } from "@handlebar/protocol";
import { detect } from "../detectors/detect.ts";
import { maskText, redactionMark } from "../detectors/mask.ts";
import { digestMark } from "./digest.ts";
import { Counts, type RedactOptions } from "./redaction.ts";
import type { Method, Scope } from "./redaction-plan.ts";

/** Taking findings out can bring new ones together; a text in which that does not end by then is masked. */
const ROUND_COUNT_MAX = 8;

export interface TextSettings {
  readonly scope: Scope;
  /** Names of the property that holds the text: its own, and the one it gets when that holds a finding. */
  readonly properties: readonly string[];
  readonly hash: RedactOptions["hash"];
  readonly counts: Counts;
}

/**
 * The text without its findings, such that nothing more is found in it, neither here nor when it is redacted again.
 * `undefined` when that cannot be said of it.
 */
export function redactText(text: string, settings: TextSettings): string | undefined {
  const { methods } = settings.scope;
  // A digest in which something is found would be digested again and again, so the text is masked instead.
  const isHashed = settings.hash !== undefined && [...methods.values()].includes("hash");
  return (
    untilClean(text, settings, {
      methodOf: (id) => methods.get(id) ?? "mask",
      roundCountMax: isHashed ? 2 : ROUND_COUNT_MAX,
    }) ?? untilClean(text, settings, { methodOf: () => "mask", roundCountMax: ROUND_COUNT_MAX })
  );
}

interface Rounds {
  readonly methodOf: (id: DetectorId) => Method;
  readonly roundCountMax: number;
}

function untilClean(text: string, settings: TextSettings, { methodOf, roundCountMax }: Rounds): string | undefined {
  const { scope, properties, hash } = settings;
  const tally = new Counts();
  const write = (id: DetectorId, matched: string): string => {
    tally.add(id);
    const method = methodOf(id);
    if (method === "remove") return "";
    return (method === "hash" ? digestMark(matched, hash) : undefined) ?? redactionMark(id);
  };
  let current = text;
  for (let round = 0; round < roundCountMax; round += 1) {
    const before = current;
    for (const property of properties) {
      const { findings, exceeded } = detect(current, scope.ids, { property });
      if (exceeded) return undefined;
      current = maskText(current, findings, write);
    }
    if (current === before) {
      settings.counts.addAll(tally.counts);
      return current;
    }
  }
  return undefined;
}
