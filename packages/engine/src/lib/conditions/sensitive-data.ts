import { DETECTOR_IDS, type DetectorId, type Message, type SensitiveDataCondition } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import { scanValue } from "../detectors/scan-value.ts";
import type { Facts } from "../facts.ts";
import type { Frame } from "../frame.ts";
import { MESSAGES_TEXT_LENGTH_MAX } from "../limits.ts";
import { FALSE, type Outcome, TRUE, UNKNOWN_OUTCOME } from "../outcome.ts";
import { setOwn } from "../own-property.ts";
import type { Path } from "../path.ts";
import { readPath, walkLeaves } from "../path-read.ts";
import { COST, type CompiledLeaf } from "./compiled-condition.ts";
import { parsePathOrFail } from "./path-leaf.ts";

type Payload = "args" | "result" | "messages" | "response";

/** How much was found, and whether there may be more. */
interface Tally {
  count: number;
  exceeded: boolean;
}

const CARRIED: Readonly<Record<Facts["phase"], Payload>> = {
  "tool.before": "args",
  "tool.after": "result",
  "llm.before": "messages",
  "llm.after": "response",
};

/** Holds when the detectors find at least `min` places. Where nothing is carried, as a result before the call, it does not. */
export function compileSensitiveData(condition: SensitiveDataCondition, context: CompileContext): CompiledLeaf {
  const ids = detectorsOf(condition);
  const path = condition.path === undefined ? undefined : parsePathOrFail(condition.path, context);
  const min = condition.min ?? 1;
  const scanner: Scanner = { ids, path };
  const slotOf = slotsOf(condition, ids, context);
  return {
    kind: "sensitiveData",
    cost: COST.scan,
    eval: (frame): Outcome => {
      const payload = condition.in ?? CARRIED[frame.facts.phase];
      const slot = slotOf[payload];
      // The slot's key names this payload, path and list of detectors.
      const tally = (frame.recall(slot) as Tally | undefined) ?? frame.keep(slot, scanPayload(payload, frame, scanner));
      if (tally.count >= min) return TRUE;
      return tally.exceeded ? UNKNOWN_OUTCOME : FALSE;
    },
  };
}

/** The policy's own list, or the one list of all, so that a plan of detectors is made once. */
function detectorsOf(condition: SensitiveDataCondition): readonly DetectorId[] {
  return condition.detectors ?? DETECTOR_IDS;
}

function slotsOf(
  condition: SensitiveDataCondition,
  ids: readonly DetectorId[],
  context: CompileContext,
): Readonly<Record<Payload, number>> {
  const what = `${condition.path ?? ""}\n${[...ids].sort().join()}`;
  const slotOf = (payload: Payload): number => context.slot(`sensitive\n${payload}\n${what}`);
  return {
    args: slotOf("args"),
    result: slotOf("result"),
    messages: slotOf("messages"),
    response: slotOf("response"),
  };
}

interface Scanner {
  readonly ids: readonly DetectorId[];
  readonly path: Path | undefined;
}

function scanPayload(payload: Payload, frame: Frame, scanner: Scanner): Tally {
  const { call, llm } = frame.facts;
  switch (payload) {
    case "args":
      return withBound(scan(call?.args, scanner), call?.argsExceeded === true);
    case "result":
      return scanResult(frame, scanner);
    case "messages":
      return scanMessages(llm?.messages, scanner);
    case "response":
      return scan(llm?.response, scanner);
  }
}

/** Text that holds JSON is read both ways: escapes hide from the one, comments from the other. */
function scanResult(frame: Frame, scanner: Scanner): Tally {
  const { call } = frame.facts;
  const { value, exceeded } = frame.result;
  const read = withBound(scan(value, scanner), exceeded);
  if (scanner.path !== undefined) return read;
  const raw = value === call?.result ? read : scan(call?.result, scanner);
  const thrown = scan(call?.error?.message, scanner);
  return {
    count: Math.max(read.count, raw.count) + thrown.count,
    exceeded: read.exceeded || raw.exceeded || thrown.exceeded,
  };
}

/** Each message has its own bounds, since together they soon pass those of one value. */
function scanMessages(messages: readonly Message[] | undefined, scanner: Scanner): Tally {
  if (messages === undefined || scanner.path !== undefined) return scan(messages, scanner);
  const tally: Tally = { count: 0, exceeded: false };
  let textLength = 0;
  for (const { content } of messages) {
    const isWalkCut = walkLeaves(content, (leaf) => {
      if (typeof leaf === "string") textLength += leaf.length;
    });
    if (isWalkCut || textLength > MESSAGES_TEXT_LENGTH_MAX) {
      tally.exceeded = true;
      break;
    }
    add(tally, scan(content, scanner));
  }
  return tally;
}

function scan(value: unknown, { ids, path }: Scanner): Tally {
  const tally: Tally = { count: 0, exceeded: false };
  if (value === undefined) return tally;
  if (path === undefined) {
    addScan(tally, value, ids);
    return tally;
  }
  const reading = readPath(value, path);
  const name = nameOf(path);
  for (const found of reading.values) addScan(tally, name === undefined ? found : named(name, found), ids);
  return withBound(tally, reading.exceeded || reading.mistyped);
}

function addScan(tally: Tally, value: unknown, ids: readonly DetectorId[]): void {
  const { placeCount, exceeded } = scanValue(value, ids);
  tally.count += placeCount;
  if (exceeded) tally.exceeded = true;
}

function add(tally: Tally, other: Tally): void {
  tally.count += other.count;
  if (other.exceeded) tally.exceeded = true;
}

function withBound(tally: Tally, exceeded: boolean): Tally {
  return exceeded ? { count: tally.count, exceeded: true } : tally;
}

/** The name that stands before what a path reads: detectors take it as a word beside the value. */
function nameOf(path: Path): string | undefined {
  const last = path.findLast((step) => step.kind === "key");
  return last?.kind === "key" ? last.name : undefined;
}

function named(name: string, value: unknown): Readonly<Record<string, unknown>> {
  const holder: Record<string, unknown> = {};
  setOwn(holder, name, value);
  return holder;
}
