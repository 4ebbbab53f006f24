import { compile, type PolicySet } from "@handlebar/engine";
import { type AgentState, HandlebarError, type Lockdown, type Policy } from "@handlebar/protocol";
import type { CachedState } from "./state-cache.ts";

/** Why a revision was refused. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** What is in force in this process: the compiled policies and the stop orders, swapped whole. */
export class AppliedState {
  readonly #inline: readonly Policy[];
  #set: PolicySet;
  #revision: number | undefined;
  #received: readonly Policy[] = [];
  #lockdowns: readonly Lockdown[] = [];
  #lockdownRevision = -1;

  /** @throws HandlebarError (`HB_POLICY_…`) where an inline policy is wrong. */
  constructor(inline: readonly Policy[]) {
    this.#inline = inline;
    this.#set = compile(inline);
  }

  get set(): PolicySet {
    return this.#set;
  }

  /** The newest revision that was applied; `undefined` before the control plane answered. */
  get revision(): number | undefined {
    return this.#revision;
  }

  get lockdowns(): readonly Lockdown[] {
    return this.#lockdowns;
  }

  /** The revision with which the stop orders came; negative before any came. */
  get lockdownRevision(): number {
    return this.#lockdownRevision;
  }

  /** All that came from the control plane, for whoever keeps it; `undefined` before anything came. */
  get received(): Omit<CachedState, "confirmedAtMs"> | undefined {
    if (this.#lockdownRevision < 0) return undefined;
    return {
      revision: this.#revision,
      policies: this.#received,
      lockdownRevision: this.#lockdownRevision,
      lockdowns: this.#lockdowns,
    };
  }

  get hasInlinePolicies(): boolean {
    return this.#inline.length > 0;
  }

  /**
   * Takes a revision over, whole or not at all; older ones are ignored. Policies that do not compile are refused and
   * the last good ones stay; stop orders of the same revision hold all the same, since they cannot be wrong.
   */
  apply(state: AgentState): { readonly changed: boolean; readonly refused?: Refusal } {
    this.#replaceLockdowns(state.revision, state.lockdowns);
    if (this.#revision !== undefined && state.revision <= this.#revision) return { changed: false };
    try {
      const pushed = new Set(state.policies.map((policy) => policy.id));
      const kept = this.#inline.filter((policy) => policy.id === undefined || !pushed.has(policy.id));
      this.#set = compile([...kept, ...state.policies]);
      this.#revision = state.revision;
      this.#received = state.policies;
      return { changed: true };
    } catch (error) {
      if (!HandlebarError.is(error)) throw error;
      return { changed: false, refused: { code: error.code, message: error.message } };
    }
  }

  /** Replaces the stop orders, unless what is in force is newer. */
  applyLockdowns(revision: number, lockdowns: readonly Lockdown[]): boolean {
    if (!this.#replaceLockdowns(revision, lockdowns)) return false;
    // The next revision is one change away, and this was the change: the policies are those of that revision too.
    if (this.#revision !== undefined && revision === this.#revision + 1) this.#revision = revision;
    return true;
  }

  #replaceLockdowns(revision: number, lockdowns: readonly Lockdown[]): boolean {
    if (revision < this.#lockdownRevision) return false;
    this.#lockdownRevision = revision;
    this.#lockdowns = lockdowns;
    return true;
  }
}
