import { createHash } from "node:crypto";

/** A process that works on a segment. */
export interface SpoolOwner {
  readonly pid: number;
  /** Tells apart processes that had the same pid one after the other, as they do in containers. */
  readonly token: string;
}

/**
 * A segment's file name: `<scope>-<created ms>-<pid>-<token>-<n>.<state>`. `open` is being written by the process in the name, `claim-...` is
 * being read by the process in the state, `jsonl` is free for anyone, `tmp` is not complete.
 */
export interface SpoolName {
  readonly scope: string;
  readonly createdMs: number;
  readonly writer: SpoolOwner;
  readonly index: number;
  readonly state: "open" | "jsonl" | "tmp" | "claim";
  /** Who works on it now; absent when it is free. */
  readonly owner: SpoolOwner | undefined;
}

const PATTERN =
  /^(?<scope>[0-9a-f]{12})-(?<ms>\d{1,15})-(?<pid>\d{1,10})-(?<token>[0-9a-f]{8})-(?<index>\d{1,9})\.(?:(?<plain>open|jsonl|tmp)|claim-(?<claimPid>\d{1,10})-(?<claimToken>[0-9a-f]{8}))$/;

/** Undefined for any file that is not a segment: those are left alone. */
export function parseSpoolName(file: string): SpoolName | undefined {
  const groups = PATTERN.exec(file)?.groups;
  if (groups === undefined) return undefined;
  const { scope = "", ms, pid, token = "", index, plain, claimPid, claimToken = "" } = groups;
  const writer = { pid: Number(pid), token };
  const base = { scope, createdMs: Number(ms), writer, index: Number(index) };
  if (plain === "open" || plain === "tmp") return { ...base, state: plain, owner: writer };
  if (plain === "jsonl") return { ...base, state: "jsonl", owner: undefined };
  return { ...base, state: "claim", owner: { pid: Number(claimPid), token: claimToken } };
}

export function spoolFile(name: Omit<SpoolName, "owner">, claimer?: SpoolOwner): string {
  const state = claimer === undefined ? name.state : `claim-${claimer.pid}-${claimer.token}`;
  return `${name.scope}-${name.createdMs}-${name.writer.pid}-${name.writer.token}-${name.index}.${state}`;
}

/** Segments are shared only by sinks of the same scope. */
export function spoolScope(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** Oldest first. */
export function compareSpoolNames(a: SpoolName, b: SpoolName): number {
  return a.createdMs - b.createdMs || a.index - b.index;
}
