/** A value read from a text together with where it stands there. Aliases share one node. */
export type SourceNode = ScalarNode | ListNode | MapNode;

interface Placed {
  /** Where it starts, in UTF-16 code units. */
  readonly offset: number;
  /** Values in it, itself included, with every alias written out. */
  readonly size: number;
}

export interface ScalarNode extends Placed {
  readonly kind: "scalar";
  readonly value: null | boolean | number | string;
}

export interface ListNode extends Placed {
  readonly kind: "list";
  readonly items: readonly SourceNode[];
}

export interface MapNode extends Placed {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, MapEntry>;
}

export interface MapEntry {
  readonly keyOffset: number;
  readonly node: SourceNode;
}

/** What a reader found wrong with the text itself. */
export interface SyntaxIssue {
  readonly offset: number;
  readonly code: "HB_POLICY_SYNTAX" | "HB_POLICY_LIMIT";
  readonly message: string;
  readonly fix?: string | undefined;
}

/** One document of a text; without `root` when it is empty or could not be read. */
export interface SourceDocument {
  readonly root?: SourceNode | undefined;
  readonly issues: readonly SyntaxIssue[];
}

/** The plain value of a node. */
export function toValue(node: SourceNode): unknown {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(toValue);
    case "map":
      return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toValue(entry.node)]));
  }
}

/** Where the value at `keys` stands, or the nearest one around it that exists; with `atKey`, the field's name. */
export function offsetAt(root: SourceNode, keys: readonly PropertyKey[], atKey = false): number {
  let node = root;
  let offset = root.offset;
  for (const [index, key] of keys.entries()) {
    if (node.kind === "map") {
      const entry = node.entries.get(String(key));
      if (entry === undefined) return offset;
      node = entry.node;
      offset = atKey && index === keys.length - 1 ? entry.keyOffset : node.offset;
    } else {
      const item = node.kind === "list" && typeof key === "number" ? node.items[key] : undefined;
      if (item === undefined) return offset;
      node = item;
      offset = node.offset;
    }
  }
  return offset;
}

/** The node at `keys`, where there is one. */
export function nodeAt(root: SourceNode, keys: readonly PropertyKey[]): SourceNode | undefined {
  let node: SourceNode | undefined = root;
  for (const key of keys) {
    if (node?.kind === "map") node = node.entries.get(String(key))?.node;
    else if (node?.kind === "list" && typeof key === "number") node = node.items[key];
    else return undefined;
  }
  return node;
}

/** The same document without its `$schema` field, which only tells an editor what to offer. */
export function withoutSchemaField(root: SourceNode): SourceNode {
  if (root.kind !== "map" || root.entries.get("$schema")?.node.kind !== "scalar") return root;
  return { ...root, entries: new Map([...root.entries].filter(([key]) => key !== "$schema")) };
}

/** Why a whole number that was written is not the one that would be read; `undefined` when it is. */
export function numberProblem(source: string, value: number): string | undefined {
  if (!/^[-+]?(?:0x[\da-f]+|0o[0-7]+|\d+)$/i.test(source) || Number.isSafeInteger(value)) return undefined;
  const digits = source.replace(/^[-+]/, "");
  if (String(Math.abs(value)) === digits) return undefined;
  if (Number.isFinite(value) && BigInt(digits) === BigInt(Math.abs(value))) return undefined;
  return `\`${source.slice(0, 40)}\` is too large to be held exactly`;
}
