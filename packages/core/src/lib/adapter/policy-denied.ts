import type { Decision } from "@handlebar/protocol";

const BRAND = Symbol.for("handlebar.policy-denied.v1");

/** Thrown in a framework's tool in place of the tool's result when policy denies it; frameworks show its text to the model. */
export class PolicyDenied extends Error {
  override readonly name = "PolicyDenied";
  /** Why. */
  readonly decision: Decision;

  constructor(decision: Decision) {
    super(decision.message);
    this.decision = decision;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Some frameworks show a model the JSON form of an error, which for others is empty. */
  toJSON(): { readonly name: string; readonly message: string } {
    return { name: this.name, message: this.message };
  }

  /** Whether an error is one, of whichever copy of this package. */
  static is(error: unknown): error is PolicyDenied {
    return typeof error === "object" && error !== null && BRAND in error;
  }

  /** The one that an error is or was caused by, however often frameworks wrapped it; `undefined` when there is none. */
  static find(error: unknown): PolicyDenied | undefined {
    let current = error;
    for (let depth = 0; depth < CAUSE_DEPTH_MAX; depth++) {
      if (PolicyDenied.is(current)) return current;
      if (typeof current !== "object" || current === null || !("cause" in current)) return undefined;
      current = current.cause;
    }
    return undefined;
  }
}

/** Causes of causes that are looked through. */
const CAUSE_DEPTH_MAX = 16;
