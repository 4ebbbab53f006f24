import type { CreatedKey } from "@handlebar/protocol";
import type { StreamTarget } from "../http/stream-target.ts";
import { ControlPlane } from "./control-plane.ts";
import type { ControlPlaneDeps } from "./control-plane-deps.ts";
import { ensureFirstKey, FIRST_WORKSPACE } from "./first-key.ts";
import type { LocalKey } from "./local-keys.ts";

/** What a server is made of: its store, its clock, its log, and its limits. */
export interface ServerDeps extends ControlPlaneDeps {
  /** The text of the first key, where the operator gives it. */
  readonly firstKey?: string | undefined;
}

/** A control plane that does not listen: whoever has an HTTP server, or none, hands it requests. */
export interface EmbeddedServer {
  /** Makes the first key where there is none, watches for changes and does the standing jobs. @returns that key, the one time that it is known. */
  start(): Promise<string | undefined>;
  /** Answers a web-standard request. Event streams are written to Node's response, where that is given; without it they are refused. */
  fetch(request: Request, node?: { readonly outgoing?: StreamTarget }): Response | Promise<Response>;
  /** Makes a key, for whoever runs the server itself. @returns its text, the one time that it is known. */
  issueKey(key: LocalKey): Promise<CreatedKey>;
  /** Takes no more requests, ends streams, writes what waits and closes the store. Idempotent. */
  stop(): Promise<void>;
}

/** Makes a control plane over a store that is open. Nothing happens before `start`. */
export function createServer(deps: ServerDeps): EmbeddedServer {
  const plane = new ControlPlane(deps);
  return {
    start: async () => {
      const { store, runtime, firstKey } = deps;
      const made = await ensureFirstKey({ store, keys: plane.services.keys, runtime, given: firstKey });
      await plane.start();
      return made;
    },
    fetch: (request, node) => plane.fetch(request, node),
    issueKey: ({ workspaceId = FIRST_WORKSPACE, ...key }) => plane.services.keys.issue({ ...key, workspaceId }),
    stop: () => plane.stop(),
  };
}
