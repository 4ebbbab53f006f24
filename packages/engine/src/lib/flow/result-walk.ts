import { VALUE_DEPTH_MAX, VALUE_NODE_COUNT_MAX } from "../limits.ts";
import { isFreeText, isProse } from "./free-text.ts";

/** A text, a number or a property's name found in a result. */
export interface SeenLeaf {
  readonly value: string | number;
  readonly isFreeText: boolean;
}

/**
 * Visits the texts, numbers and property names of a result. Names count, since a record may be keyed by an address or an
 * id. Returns true when a bound was exceeded or a getter threw, so that some were passed over.
 */
export function walkResult(value: unknown, visit: (leaf: SeenLeaf) => void): boolean {
  const walk: Walk = { visit, nodeCount: 0, isCut: false };
  if (typeof value === "string") visit({ value, isFreeText: isProse(value) });
  else walkBelow(value, { walk, field: undefined, depth: 0 });
  return walk.isCut;
}

interface Walk {
  readonly visit: (leaf: SeenLeaf) => void;
  nodeCount: number;
  isCut: boolean;
}

interface Place {
  readonly walk: Walk;
  /** The nearest property's name; the elements of a list stand in the list's. */
  readonly field: string | undefined;
  readonly depth: number;
}

function walkBelow(value: unknown, { walk, field, depth }: Place): void {
  walk.nodeCount += 1;
  if (walk.nodeCount > VALUE_NODE_COUNT_MAX || depth > VALUE_DEPTH_MAX) {
    walk.isCut = true;
    return;
  }
  if (typeof value === "string") walk.visit({ value, isFreeText: isFreeText(value, field) });
  else if (typeof value === "number") walk.visit({ value, isFreeText: false });
  else if (typeof value === "object" && value !== null) walkInside(value, { walk, field, depth });
}

function walkInside(container: object, { walk, field, depth }: Place): void {
  const isList = Array.isArray(container);
  for (const [key, child] of entriesOf(container, walk)) {
    if (walk.isCut) return;
    if (!isList) walk.visit({ value: key, isFreeText: isFreeText(key, undefined) });
    walkBelow(child, { walk, field: isList ? field : key, depth: depth + 1 });
  }
}

function entriesOf(container: object, walk: Walk): readonly (readonly [string, unknown])[] {
  try {
    return Object.entries(container);
  } catch {
    walk.isCut = true;
    return [];
  }
}
