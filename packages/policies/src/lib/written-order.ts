/** Every field of a policy, in the order in which people write them. */
export const WRITTEN_ORDER: readonly string[] = [
  "kind",
  "name",
  "id",
  "description",
  "enabled",
  "mode",
  "agents",
  "anyOfSlugs",
  "anyOfTags",
  "allOfTags",
  "default",
  "flow",
  "priority",
  "on",
  "tool",
  "tagsAny",
  "tagsAll",
  "fields",
  "when",
  "effect",
  "onUnknown",
  "onUnavailable",
  "exact",
  "rules",
  "labels",
  "strict",
  "defaultTrust",
  "sources",
  "add",
  "trust",
  "signal",
  "subjectType",
  "role",
  "idSystem",
  "tag",
  "path",
  "paths",
  "origins",
  "in",
  "detectors",
  "method",
  "min",
  "scope",
  "metric",
  "aggregate",
  "max",
  "warnAt",
  "windowSeconds",
  "called",
  "notCalled",
  "outcome",
  "withinSeconds",
  "windows",
  "days",
  "start",
  "end",
  "timezone",
  "actor",
  "fallback",
  "lang",
  "src",
  "type",
  "quantifier",
  "op",
  "value",
  "valueMs",
  "ignoreCase",
  "estimate",
  "onMissing",
  "anyOf",
  "allOf",
  "noneOf",
  "reason",
  "control",
  "redact",
  "approval",
  "expiresInSeconds",
  "approvalsNeeded",
  "approvers",
  "notRequester",
  "args",
  "all",
  "any",
  "not",
];

const RANK: ReadonlyMap<string, number> = new Map(WRITTEN_ORDER.map((key, index) => [key, index]));

/**
 * `value` with the fields of policies in written order. Left out: fields that are `undefined`, and the trees that are
 * derived from expressions.
 */
export function inWrittenOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inWrittenOrder);
  if (typeof value !== "object" || value === null) return value;
  const kind: unknown = Reflect.get(value, "kind");
  const entries = Object.entries(value).filter(([key, inner]) => {
    return inner !== undefined && !(kind === "expr" && key === "tree");
  });
  entries.sort(([a], [b]) => rankOf(a) - rankOf(b));
  // The host's own arguments keep their order.
  return Object.fromEntries(
    entries.map(([key, inner]) => [key, kind === "custom" && key === "args" ? inner : inWrittenOrder(inner)]),
  );
}

function rankOf(key: string): number {
  return RANK.get(key) ?? WRITTEN_ORDER.length;
}
