import type { HandlebarClient } from "../client.ts";
import type { Run } from "../run.ts";

/** A run, whatever the type of its context. */
export type AnyRun = Omit<Run, "context" | "memory" | "obeyLockdowns" | "makeDropped" | typeof Symbol.asyncDispose>;

/** A client, whatever the type of its context. */
export interface AnyClient extends Pick<HandlebarClient, "registerTools" | "status" | "owns"> {
  findPaused(runId: string, config: Parameters<HandlebarClient<never>["findPaused"]>[1]): AnyRun | undefined;
  startRun(config?: Parameters<HandlebarClient<never>["startRun"]>[0]): AnyRun;
}
