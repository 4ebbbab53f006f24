import type { HandlebarClient, Run, ToolDecision, ToolRun } from "@handlebar/core";

/** A run with a call under way and one that was let through and has not started. */
export interface AgentAtWork {
  readonly run: Run;
  /** Of the call under way. */
  readonly signal: AbortSignal;
  readonly decided: ToolDecision;
  /** Lets the call under way come to its end. */
  finish(): Promise<ToolRun<string>>;
}

export interface Doing {
  readonly actor: string;
  readonly session: string;
  readonly tool: string;
}

/** Resolves when the call has started. */
export async function beAtWork(hb: HandlebarClient, { actor, session, tool }: Doing): Promise<AgentAtWork> {
  const run = hb.startRun({ actor: { externalId: actor }, sessionId: session });
  let end: () => void = () => undefined;
  const underWay = new Promise<string>((resolve) => {
    end = () => resolve("done");
  });
  let called: Promise<ToolRun<string>> | undefined;
  const signal = await new Promise<AbortSignal>((resolve) => {
    called = run.tool({ name: tool, args: {} }, (_, options) => {
      resolve(options.signal);
      return underWay;
    });
  });
  const decided = await run.beforeTool({ name: tool, args: {} });
  return {
    run,
    signal,
    decided,
    finish: () => {
      end();
      return called ?? Promise.reject(new Error("nothing was called"));
    },
  };
}
