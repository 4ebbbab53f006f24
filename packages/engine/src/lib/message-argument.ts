import {
  type ArrayComparison,
  DETECTOR_GROUPS,
  type NumberComparison,
  type StringComparison,
  type ToolArgCondition,
} from "@handlebar/protocol";
import { detect } from "./detectors/detect.ts";
import type { Frame } from "./frame.ts";
import { parsePath } from "./path.ts";
import { readPath } from "./path-read.ts";

/** Longest text of a policy that is repeated to a model, and how many. */
const TEXT_LENGTH_MAX = 64;
const TEXT_COUNT_MAX = 5;

/** What there is to say about one condition; it depends on nothing else, so it is written once. */
interface ArgumentHints {
  readonly toHold: string | undefined;
  readonly toFail: string | undefined;
}

const HINTS = new WeakMap<ToolArgCondition, ArgumentHints>();

/**
 * What an argument must be for a comparison to hold (`wanted`) or not, when it now is otherwise; so nothing here repeats
 * the argument's value. Texts of the policy are given only where they list what is allowed, and never secrets.
 */
export function argumentHint(condition: ToolArgCondition, wanted: boolean): string | undefined {
  const hints = HINTS.get(condition) ?? writeHints(condition);
  return wanted ? hints.toHold : hints.toFail;
}

function writeHints(condition: ToolArgCondition): ArgumentHints {
  const name = nameOf(condition);
  const written = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : `${name} ${text}`;
  const hints = { toHold: written(allowed(condition, true)), toFail: written(allowed(condition, false)) };
  HINTS.set(condition, hints);
  return hints;
}

function nameOf(condition: ToolArgCondition): string {
  return `\`${condition.path.replaceAll("`", "'")}\``;
}

const TYPE_NAMES = { number: "a number", string: "text", boolean: "true or false", array: "a list" } as const;

/** Which type an argument must have, where it has another one. */
export function typeHint(condition: ToolArgCondition, frame: Frame): string | undefined {
  const { type } = condition;
  const path = parsePath(condition.path);
  const call = frame.facts.call;
  if (type === "any" || typeof path === "string" || call === undefined || call.argsExceeded === true) return undefined;
  const isOther = (value: unknown): boolean =>
    value !== null && (type === "array" ? !Array.isArray(value) : typeof value !== type);
  return readPath(call.args, path).values.some(isOther)
    ? `${nameOf(condition)} must be ${TYPE_NAMES[type]}`
    : undefined;
}

function allowed(condition: ToolArgCondition, wanted: boolean): string | undefined {
  switch (condition.type) {
    case "number":
      return numberText(condition, wanted);
    case "boolean":
      return `must be ${String((condition.op === "eq") === wanted ? condition.value : !condition.value)}`;
    case "string":
      return textText(condition, wanted);
    case "array":
      return listText(condition, wanted);
    case "any":
      return (condition.op === "exists") === wanted ? "is required" : "must be left out";
  }
}

function numberText(comparison: NumberComparison, wanted: boolean): string | undefined {
  if (comparison.op === "in" || comparison.op === "notIn") {
    if ((comparison.op === "in") !== wanted) return undefined;
    const more = comparison.value.length > TEXT_COUNT_MAX ? ", ..." : "";
    return `must be one of ${comparison.value.slice(0, TEXT_COUNT_MAX).join(", ")}${more}`;
  }
  const { op, value } = comparison;
  switch (op) {
    case "gt":
      return wanted ? `must be more than ${value}` : `may be at most ${value}`;
    case "gte":
      return wanted ? `must be at least ${value}` : `must be less than ${value}`;
    case "lt":
      return wanted ? `must be less than ${value}` : `must be at least ${value}`;
    case "lte":
      return wanted ? `may be at most ${value}` : `must be more than ${value}`;
    default:
      return (op === "eq") === wanted ? `must be ${value}` : undefined;
  }
}

function textText(comparison: StringComparison, wanted: boolean): string | undefined {
  switch (comparison.op) {
    case "longerThan":
      return wanted
        ? `must have more than ${comparison.value} characters`
        : `may have at most ${comparison.value} characters`;
    case "shorterThan":
      return wanted
        ? `must have fewer than ${comparison.value} characters`
        : `must have at least ${comparison.value} characters`;
    case "in":
      return wanted ? listed("must be one of", comparison.value) : undefined;
    case "notIn":
      return wanted ? undefined : listed("must be one of", comparison.value);
    case "startsWith":
      return wanted ? listed("must start with", [comparison.value]) : undefined;
    case "endsWith":
      return wanted ? listed("must end with", [comparison.value]) : undefined;
    case "glob":
      return wanted ? listed("must match", [comparison.value].flat()) : undefined;
    default:
      return undefined;
  }
}

function listText(comparison: ArrayComparison, wanted: boolean): string | undefined {
  if (comparison.op === "longerThan") {
    return wanted ? `must have more than ${comparison.value} entries` : `may have at most ${comparison.value} entries`;
  }
  if (comparison.op === "shorterThan") {
    return wanted
      ? `must have fewer than ${comparison.value} entries`
      : `must have at least ${comparison.value} entries`;
  }
  return undefined;
}

function listed(before: string, texts: readonly string[]): string | undefined {
  const shown = texts.slice(0, TEXT_COUNT_MAX);
  const isFit = (text: string): boolean =>
    text.length <= TEXT_LENGTH_MAX &&
    !/[\p{Cc}`]/u.test(text) &&
    detect(text, DETECTOR_GROUPS.secrets).findings.length === 0;
  if (!shown.every(isFit)) return undefined;
  const more = texts.length > shown.length ? ", ..." : "";
  return `${before} ${shown.map((text) => `\`${text}\``).join(", ")}${more}`;
}
