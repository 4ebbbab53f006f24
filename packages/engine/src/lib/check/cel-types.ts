import type { ExprNode } from "@handlebar/protocol";
import { TIME_FIELD_NAMES } from "../cel/time.ts";

/** What the checker knows of a value before it is there; `dyn` is anything. */
export type StaticType =
  | "dyn"
  | "null"
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "list"
  | "map"
  | "timestamp"
  | "duration"
  | "type";

const NUMBERS: readonly StaticType[] = ["int", "uint", "double"];
const ORDERED: readonly StaticType[] = [...NUMBERS, "string", "bool", "bytes", "timestamp", "duration"];
const VARIABLES: Readonly<Record<string, StaticType>> = {
  phase: "string",
  tool: "map",
  error: "map",
  actor: "map",
  agent: "map",
  run: "map",
  messages: "list",
  response: "map",
  metrics: "map",
  now: "timestamp",
};
const RETURNS: Readonly<Record<string, StaticType>> = {
  size: "int",
  int: "int",
  uint: "uint",
  double: "double",
  string: "string",
  bool: "bool",
  bytes: "bytes",
  timestamp: "timestamp",
  duration: "duration",
  type: "type",
  lowerAscii: "string",
  upperAscii: "string",
  trim: "string",
  ...Object.fromEntries(TIME_FIELD_NAMES.map((name) => [name, "int" as const])),
};
const BOOLEAN_CALLS = new Set([
  "_==_",
  "_!=_",
  "@in",
  "contains",
  "startsWith",
  "endsWith",
  "matches",
  "label",
  "called",
  "@not_strictly_false",
]);
const TEXT_CALLS = new Set(["contains", "startsWith", "endsWith", "matches", "lowerAscii", "upperAscii", "trim"]);

/** The type of an expression, and every use of a value that cannot work whatever the call. */
export function checkTypes(root: ExprNode): { readonly type: StaticType; readonly problems: readonly string[] } {
  const problems: string[] = [];
  return { type: typeOfNode(root, problems), problems };
}

function typeOfNode(node: ExprNode, problems: string[]): StaticType {
  switch (node.node) {
    case "literal":
      return node.type;
    case "bytes":
      return "bytes";
    case "name":
      return VARIABLES[node.name] ?? "dyn";
    case "select": {
      const of = typeOfNode(node.of, problems);
      if (of !== "dyn" && of !== "map") problems.push(`\`.${node.field}\` is asked of a ${of}`);
      return node.test === true ? "bool" : "dyn";
    }
    case "list":
      for (const item of node.items) typeOfNode(item, problems);
      return "list";
    case "map":
      for (const entry of node.entries) for (const part of entry) typeOfNode(part, problems);
      return "map";
    case "call":
      return typeOfCall(node, problems);
    case "fold":
      for (const part of [node.over, node.init, node.condition, node.step, node.result]) typeOfNode(part, problems);
      return node.init.node === "list" ? "list" : "dyn";
  }
}

function typeOfCall(node: Extract<ExprNode, { node: "call" }>, problems: string[]): StaticType {
  const parts = node.target === undefined ? node.args : [node.target, ...node.args];
  const types = parts.map((part) => typeOfNode(part, problems));
  const { fn } = node;
  const mustBe = (allowed: readonly StaticType[], what: string): void => {
    const wrong = types.find((type) => type !== "dyn" && !allowed.includes(type));
    if (wrong !== undefined) problems.push(`${what} cannot take a ${wrong}`);
  };
  if (fn === "_&&_" || fn === "_||_" || fn === "!_") {
    mustBe(["bool"], "a logical operator");
    return "bool";
  }
  if (fn === "_?_:_") {
    if (types[0] !== "dyn" && types[0] !== "bool") problems.push(`\`? :\` asks a ${types[0]}, not a bool`);
    return types[1] === types[2] ? (types[1] ?? "dyn") : "dyn";
  }
  if (/^_[<>]=?_$/.test(fn)) {
    mustBe(ORDERED, `\`${fn.replaceAll("_", "")}\``);
    checkComparable(fn, types, problems);
    return "bool";
  }
  if (/^_[-+*/%]_$/.test(fn)) return typeOfArithmetic(fn, types, problems);
  if (fn === "-_") return types[0] ?? "dyn";
  if (TEXT_CALLS.has(fn)) mustBe(["string"], `\`${fn}\``);
  if (BOOLEAN_CALLS.has(fn)) return "bool";
  return RETURNS[fn] ?? "dyn";
}

function checkComparable(fn: string, [a, b]: readonly StaticType[], problems: string[]): void {
  if (a === undefined || b === undefined || a === "dyn" || b === "dyn" || a === b) return;
  if (NUMBERS.includes(a) && NUMBERS.includes(b)) return;
  problems.push(`\`${fn.replaceAll("_", "")}\` compares a ${a} with a ${b}`);
}

/** Arguments are JSON, whose numbers are doubles: arithmetic of one with an int never works. */
function typeOfArithmetic(fn: string, [a, b]: readonly StaticType[], problems: string[]): StaticType {
  if (a === undefined || b === undefined) return "dyn";
  // An instant less an instant is a duration, less a duration an instant.
  const isTime = a === "timestamp" || a === "duration" || b === "timestamp" || b === "duration";
  if (a === "dyn" || b === "dyn") return isTime ? "dyn" : a === "dyn" ? b : a;
  if (a !== b && !isTime)
    problems.push(`\`${fn.replaceAll("_", "")}\` mixes a ${a} with a ${b}; write both alike, such as \`1.0\``);
  return isTime ? "dyn" : a;
}
