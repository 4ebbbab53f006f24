import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import type { SpoolOwner } from "./spool-name.ts";

const TOKENS: unique symbol = Symbol.for("handlebar.spool.tokens");

/** Start times are taken with the file system's coarser clock in mind. */
const START_SLACK_MS = 1_000;

/** A new owner in this process; `forget` says that it has closed. */
export function newOwner(): SpoolOwner & { forget(): void } {
  const token = randomBytes(4).toString("hex");
  const tokens = liveTokens();
  tokens.add(token);
  return { pid: process.pid, token, forget: () => tokens.delete(token) };
}

/**
 * Whether the process that works on a file is still there. Holds for processes of one machine and one pid namespace: a directory must not be
 * shared further.
 */
export function isAlive(owner: SpoolOwner, path: string): boolean {
  if (liveTokens().has(owner.token)) return true;
  if (owner.pid === process.pid) return changedSinceStart(path);
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    // Only "no such process" says that it is gone; "not permitted" says that it is there.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** With our own pid, an earlier process's file was last changed before we started; a worker thread's was not. */
function changedSinceStart(path: string): boolean {
  try {
    return statSync(path).ctimeMs >= Date.now() - process.uptime() * 1_000 - START_SLACK_MS;
  } catch {
    return true;
  }
}

/** Shared by all copies of this package in the process. */
function liveTokens(): Set<string> {
  // The key is this package's own, so nobody else can have put anything else there.
  const host = globalThis as { [TOKENS]?: Set<string> };
  host[TOKENS] ??= new Set();
  return host[TOKENS];
}
