import {
  type Condition,
  type DetectorId,
  jsonValueSchema,
  parseValue,
  type TimeWindow,
  type ToolSelector,
  timeWindowSchema,
} from "@handlebar/protocol";

/** A condition of the first format in today's words, or the constant that it comes to. */
export type Translated = Condition | boolean;

/** Says what is not quite the same afterwards. */
export type Notes = (message: string) => void;

/** A condition that today's language cannot say. */
export class Untranslatable extends Error {}

type Fields = Readonly<Record<string, unknown>>;

const DETECTORS: Readonly<Record<string, readonly DetectorId[]>> = {
  email: ["email"],
  phone: ["phone"],
  credit_card: ["payment_card"],
  iban: ["iban"],
  uk_nino: ["uk_nino"],
  ip_address: ["ip_address"],
  url: ["url"],
  jwt: ["jwt"],
  private_key: ["private_key"],
  secret_key: ["api_key", "access_token"],
};

/** Translates one condition. @throws Untranslatable, saying why. */
export function translateCondition(value: unknown, note: Notes): Translated {
  const condition = fieldsOf(value, "a condition");
  const kind = textOf(condition, "kind");
  switch (kind) {
    case "and":
      return joined("and", listOf(condition, "all"), note);
    case "or":
      return joined("or", listOf(condition, "any"), note);
    case "not":
      return negated(translateCondition(condition["not"], note));
    case "toolName":
      return toolName(condition);
    case "toolTag":
      return toolTag(condition);
    case "toolArg":
      return toolArg(condition, note);
    case "enduserTag":
      return enduserTag(condition);
    case "maxCalls":
      return { kind: "maxCalls", scope: "run", max: numberOf(condition, "max"), tool: maxCallsTool(condition) };
    case "sequence":
      return sequence(condition);
    case "executionTime":
      return executionTime(condition, note);
    case "timeGate":
      return timeGate(condition, note);
    case "metricWindow":
      return metricWindow(condition);
    case "requireSubject":
      return subject(condition);
    case "signal":
      return signal(condition, note);
    case "sensitiveData":
      return sensitiveData(condition);
    case "custom":
      return custom(condition);
    default:
      throw new Untranslatable(`there is no condition \`${kind}\``);
  }
}

function joined(kind: "and" | "or", parts: readonly unknown[], note: Notes): Translated {
  const neutral = kind === "and";
  const translated = parts.map((part) => translateCondition(part, note)).filter((part) => part !== neutral);
  if (translated.includes(!neutral)) return !neutral;
  const conditions = translated.filter((part) => typeof part !== "boolean");
  const [only] = conditions;
  if (only === undefined) return neutral;
  if (conditions.length === 1) return only;
  return kind === "and" ? { kind, all: conditions } : { kind, any: conditions };
}

function negated(inner: Translated): Translated {
  return typeof inner === "boolean" ? !inner : { kind: "not", not: inner };
}

function toolName(condition: Fields): Condition {
  const op = textOf(condition, "op");
  const kind = "toolName";
  const ignoreCase = true;
  switch (op) {
    case "eq":
    case "neq":
    case "contains":
    case "startsWith":
    case "endsWith":
      return { kind, op, value: textOf(condition, "value"), ignoreCase };
    case "glob":
      return { kind, op, value: textOf(condition, "value"), ignoreCase };
    case "in":
      // The names of a list were globs too.
      return { kind, op: "glob", value: textsOf(condition, "value"), ignoreCase };
    default:
      throw new Untranslatable(`\`toolName\` has no operator \`${op}\``);
  }
}

function toolTag(condition: Fields): Condition {
  const op = textOf(condition, "op");
  if (op === "has") return { kind: "toolTag", anyOf: [textOf(condition, "tag")] };
  if (op === "anyOf" || op === "allOf") return { kind: "toolTag", [op]: textsOf(condition, "tags") };
  throw new Untranslatable(`\`toolTag\` has no operator \`${op}\``);
}

function toolArg(condition: Fields, note: Notes): Condition {
  const type = textOf(condition, "type");
  const op = textOf(condition, "op");
  const base = { kind: "toolArg", path: textOf(condition, "path") } as const;
  if (type === "boolean" && op === "eq" && typeof condition["value"] === "boolean") {
    return { ...base, type, op, value: condition["value"] };
  }
  if (type === "number" && isNumberOp(op)) return { ...base, type, op, value: numberOf(condition, "value") };
  if (type === "string" && op === "in") {
    if (typeof condition["value"] === "string")
      note("`in` with one text asked for any part of it and now asks for the text");
    return { ...base, type, op, value: textsOf(condition, "value") };
  }
  if (type === "string" && isTextOp(op)) return { ...base, type, op, value: textOf(condition, "value") };
  throw new Untranslatable(`\`toolArg\` of type \`${type}\` has no operator \`${op}\``);
}

function enduserTag(condition: Fields): Condition {
  const base = { kind: "actor", path: metadataPath(textOf(condition, "tag")) } as const;
  const op = textOf(condition, "op");
  // An empty text was no tag.
  if (op === "has") return { ...base, op: "longerThan", value: 0 };
  if (op === "hasValue") return { ...base, op: "eq", value: textOf(condition, "value") };
  if (op === "hasValueAny") return { ...base, op: "in", value: textsOf(condition, "values") };
  throw new Untranslatable(`\`enduserTag\` has no operator \`${op}\``);
}

function maxCallsTool(condition: Fields): ToolSelector {
  const selector = fieldsOf(condition["selector"], "`selector`");
  if (selector["by"] === "toolName") return { name: [...textsOf(selector, "patterns")] };
  if (selector["by"] === "toolTag") return { tagsAny: [...textsOf(selector, "tags")] };
  throw new Untranslatable("`maxCalls` selects by `toolName` or `toolTag`");
}

/** It held as soon as one tool that must have been called was not, or one that must not have been was. */
function sequence(condition: Fields): Translated {
  const missing = optionalTexts(condition, "mustHaveCalled").map(
    (name): Condition => ({ kind: "sequence", notCalled: [{ name }] }),
  );
  const forbidden = optionalTexts(condition, "mustNotHaveCalled").map(
    (name): Condition => ({ kind: "sequence", called: [{ name }] }),
  );
  const any = [...missing, ...forbidden];
  const [only] = any;
  if (only === undefined) return false;
  return any.length === 1 ? only : { kind: "or", any };
}

function executionTime(condition: Fields, note: Notes): Condition {
  const isRun = textOf(condition, "scope") === "total";
  if (isRun) note("`total` added up the time of tools and now is the time since the run started");
  const scope = isRun ? "run" : "call";
  const valueMs = numberOf(condition, "ms");
  return ordered(textOf(condition, "op"), (op) => ({ kind: "executionTime", scope, op, valueMs }));
}

function metricWindow(condition: Fields): Condition {
  const metric = textOf(fieldsOf(condition["metric"], "`metric`"), "key");
  const aggregate = textOf(condition, "aggregate");
  if (!isAggregate(aggregate)) throw new Untranslatable(`\`metricWindow\` has no aggregate \`${aggregate}\``);
  const scope = textOf(condition, "scope") === "agent_user" ? "agentActor" : "agent";
  const windowSeconds = numberOf(condition, "windowSeconds");
  const value = numberOf(condition, "value");
  const filter = condition["filter"] === undefined ? {} : fieldsOf(condition["filter"], "`filter`");
  const tool: ToolSelector = {
    ...(filter["toolName"] === undefined ? {} : { name: [...textsOf(filter, "toolName")] }),
    ...(filter["toolTag"] === undefined ? {} : { tagsAny: [...textsOf(filter, "toolTag")] }),
  };
  const rest = Object.keys(tool).length === 0 ? {} : { tool };
  return ordered(textOf(condition, "op"), (op) => ({
    kind: "metricWindow",
    scope,
    metric,
    aggregate,
    windowSeconds,
    op,
    value,
    ...rest,
  }));
}

type OrderOp = "gt" | "gte" | "lt" | "lte";

/** Equality of measured numbers, in the orders that there are. */
function ordered(op: string, make: (op: OrderOp) => Condition): Condition {
  if (op === "gt" || op === "gte" || op === "lt" || op === "lte") return make(op);
  if (op === "eq") return { kind: "and", all: [make("gte"), make("lte")] };
  if (op === "neq") return { kind: "or", any: [make("gt"), make("lt")] };
  throw new Untranslatable(`there is no operator \`${op}\``);
}

/** The last minute of a window was inside it; today the end is not. A window that ended before it began never held. */
function timeGate(condition: Fields, note: Notes): Translated {
  const timezone = fieldsOf(condition["timezone"], "`timezone`");
  if (timezone["fallback"] !== undefined) note("the organisation's time zone is not known here; set `fallback` to one");
  const windows = listOf(condition, "windows").flatMap((one): readonly TimeWindow[] => {
    const window = fieldsOf(one, "a window");
    const start = textOf(window, "start");
    const end = textOf(window, "end");
    return start > end ? [] : [checked(timeWindowSchema, { days: window["days"], start, end: minuteAfter(end) })];
  });
  if (windows.length === 0) return false;
  return { kind: "timeGate", windows, timezone: { actor: metadataPath(textOf(timezone, "tag")) } };
}

function minuteAfter(time: string): string {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  const total = hours * 60 + minutes + 1;
  return `${String(Math.floor(total / 60)).padStart(2, "0")}:${String(total % 60).padStart(2, "0")}`;
}

function subject(condition: Fields): Condition {
  const idSystem = condition["idSystem"] === undefined ? {} : { idSystem: textOf(condition, "idSystem") };
  return { kind: "subject", subjectType: textOf(condition, "subjectType"), ...idSystem, op: "exists" };
}

function signal(condition: Fields, note: Notes): Condition {
  const args = condition["args"] === undefined ? {} : fieldsOf(condition["args"], "`args`");
  if (Object.keys(args).length > 0) note("a signal's function gets the whole call; take its arguments from there");
  const base = { kind: "signal", signal: textOf(condition, "key") } as const;
  const op = textOf(condition, "op");
  const { value } = condition;
  if (typeof value === "boolean" && (op === "eq" || op === "neq")) return { ...base, type: "boolean", op, value };
  if (typeof value === "number" && isNumberOp(op)) return { ...base, type: "number", op, value };
  if (typeof value === "string" && (op === "eq" || op === "neq")) return { ...base, type: "string", op, value };
  const listOp = op === "in" ? "in" : op === "nin" ? "notIn" : undefined;
  if (listOp !== undefined && isListOf(value, isText)) return { ...base, type: "string", op: listOp, value };
  if (listOp !== undefined && isListOf(value, isNumber)) return { ...base, type: "number", op: listOp, value };
  throw new Untranslatable(`\`signal\` with the operator \`${op}\` does not take this value`);
}

function sensitiveData(condition: Fields): Condition {
  const path = condition["path"] === undefined ? {} : { path: textOf(condition, "path") };
  const base = { kind: "sensitiveData", in: "args", ...path } as const;
  const each = listOf(condition, "detectors").map((one): readonly DetectorId[] => {
    const entry = fieldsOf(one, "a detector");
    const name = textOf(entry, "detector");
    const ids = DETECTORS[name];
    if (entry["subCondition"] !== undefined) throw new Untranslatable("a detector's `subCondition` has no counterpart");
    if (ids === undefined) throw new Untranslatable(`there is no detector \`${name}\``);
    return ids;
  });
  if (condition["op"] !== "allOf") return { ...base, detectors: each.flat() };
  const all = each.map((detectors): Condition => ({ ...base, detectors }));
  const [only] = all;
  return only !== undefined && all.length === 1 ? only : { kind: "and", all };
}

function custom(condition: Fields): Condition {
  const { args } = condition;
  const name = textOf(condition, "name");
  return { kind: "custom", name, ...(args === undefined ? {} : { args: checked(jsonValueSchema, args) }) };
}

/** What a schema of the protocol makes of a part. @throws Untranslatable */
function checked<S extends Parameters<typeof parseValue>[0]>(schema: S, value: unknown): ValueOf<S> {
  const parsed = parseValue(schema, value);
  if (parsed.ok) return parsed.value;
  const [issue] = parsed.issues;
  throw new Untranslatable(`${issue?.path ?? ""} ${issue?.message ?? ""}`.trim());
}

type ValueOf<S extends Parameters<typeof parseValue>[0]> = Extract<
  ReturnType<typeof parseValue<S>>,
  { readonly ok: true }
>["value"];

/** The path of an actor's tag, whatever its name holds. */
function metadataPath(tag: string): string {
  return /^[A-Za-z_][\w-]*$/.test(tag) ? `metadata.${tag}` : `metadata[${JSON.stringify(tag)}]`;
}

function isNumberOp(op: string): op is "eq" | "neq" | OrderOp {
  return ["eq", "neq", "gt", "gte", "lt", "lte"].includes(op);
}

function isTextOp(op: string): op is "eq" | "neq" | "contains" | "startsWith" | "endsWith" {
  return ["eq", "neq", "contains", "startsWith", "endsWith"].includes(op);
}

function isAggregate(text: string): text is "sum" | "avg" | "max" | "min" | "count" {
  return ["sum", "avg", "max", "min", "count"].includes(text);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isListOf<T>(value: unknown, is: (one: unknown) => one is T): value is readonly T[] {
  return Array.isArray(value) && value.length > 0 && value.every(is);
}

/** An object's fields. @throws Untranslatable */
export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Untranslatable(`${what} must be an object`);
}

/** @throws Untranslatable */
export function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === "string") return value;
  throw new Untranslatable(`\`${name}\` must be a text`);
}

/** A text or a list of texts, as a list. @throws Untranslatable */
export function textsOf(fields: Fields, name: string): readonly string[] {
  const value = fields[name];
  if (typeof value === "string") return [value];
  if (isListOf(value, isText)) return value;
  throw new Untranslatable(`\`${name}\` must be a list of texts`);
}

function optionalTexts(fields: Fields, name: string): readonly string[] {
  const value = fields[name];
  return value === undefined || (Array.isArray(value) && value.length === 0) ? [] : textsOf(fields, name);
}

function numberOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value === "number") return value;
  throw new Untranslatable(`\`${name}\` must be a number`);
}

function listOf(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (Array.isArray(value)) return value;
  throw new Untranslatable(`\`${name}\` must be a list`);
}
