import type { AdapterMode, AdapterSubject } from "./adapter-subject.ts";
import type { ContractWorld } from "./contract-world.ts";

/** One thing that every adapter must do, in every mode that it fits. */
export interface CaseBody {
  /** Stable: results, guides and `cannot` entries name it. */
  readonly id: string;
  readonly title: string;
  /** Default: every mode. */
  readonly fits?: (mode: AdapterMode, subject: AdapterSubject) => boolean;
  readonly run: (world: ContractWorld) => Promise<void>;
}
