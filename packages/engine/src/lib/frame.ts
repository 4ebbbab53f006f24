import type { JsonValue } from "@handlebar/protocol";
import type { Facts } from "./facts.ts";
import { readJsonText } from "./json-text.ts";
import { readMcpResult } from "./mcp-result.ts";

/** What a tool returned, as conditions read it. */
export interface ResultReading {
  /** A list or object where the result is one or is text that holds one; absent when there is no result. */
  readonly value: JsonValue | undefined;
  /** Something is missing or cut. */
  readonly exceeded: boolean;
}

/**
 * The facts of one decision, with what was computed from them. Lives as long as the decision. A leaf that computes
 * something dear gets a slot from its `CompileContext` and keeps it there, so that other rules find it.
 */
export class Frame {
  readonly facts: Facts;
  #result: ResultReading | undefined;
  #kept: unknown[] | undefined;

  constructor(facts: Facts) {
    this.facts = facts;
  }

  /** What was kept in a slot; `undefined` when nothing was. */
  recall(slot: number): unknown {
    return this.#kept?.[slot];
  }

  keep<T>(slot: number, value: T): T {
    this.#kept ??= [];
    this.#kept[slot] = value;
    return value;
  }

  /** The call's result; one that arrived as JSON or YAML text, or in an MCP envelope, is read as what it holds. */
  get result(): ResultReading {
    this.#result ??= this.#readResult();
    return this.#result;
  }

  #readResult(): ResultReading {
    const call = this.facts.call;
    const value = call?.result;
    const exceeded = call?.resultExceeded === true;
    if (typeof value !== "string") return { value: unwrapped(value), exceeded };
    const read = readJsonText(value);
    if (read === undefined) return { value, exceeded };
    return read.complete ? { value: unwrapped(read.value), exceeded } : { value: read.value, exceeded: true };
  }
}

function unwrapped(value: JsonValue | undefined): JsonValue | undefined {
  return value === undefined ? undefined : (readMcpResult(value) ?? value);
}
