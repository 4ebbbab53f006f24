import type { Decision } from "@handlebar/protocol";
import type { RunCore } from "./run-core.ts";

/** What events say of whose policies decided. */
export interface DecidedBy {
  readonly revision?: number;
}

/** Asked as soon as a decision is made: policies may change before it is recorded. */
export function decidedBy<TContext extends object>({ services: { config, state } }: RunCore<TContext>): DecidedBy {
  return state.revision === undefined || config.enforceMode === "off" ? UNKNOWN_REVISION : { revision: state.revision };
}

const UNKNOWN_REVISION: DecidedBy = Object.freeze({});

/** A decision as the event of a result carries it: not at all where nothing was asked. */
export function recorded(decision: Decision, by: DecidedBy): DecidedBy & { readonly decision?: Decision } {
  return decision.evaluatedRules.length === 0 && decision.verdict === "ALLOW" ? {} : { decision, ...by };
}
