import type { AdapterMode, AdapterSubject } from "../adapter-contract/adapter-subject.ts";
import { AdapterAttackWorld } from "./adapter-attack-world.ts";
import type { RunOwner } from "./adapter-attacked-agent.ts";
import type { AttackWay, NotPossible } from "./attack-suite.ts";

export interface AttackWaysOptions {
  /** Names of the modes to try. Default: all in which an agent pauses. */
  readonly modes?: readonly string[] | undefined;
  /** Attacks for which a mode has no place, by attack; `owner` is who starts the runs. */
  readonly notPossible?:
    | ((mode: AdapterMode, owner: RunOwner) => Readonly<Record<string, NotPossible>> | undefined)
    | undefined;
}

const OWNERS: readonly RunOwner[] = ["adapter", "program"];

/** The ways to attack an adapter: its modes in which an agent pauses, each with the adapter's own runs and with runs of the program's. */
export function attackWays(subject: AdapterSubject, options: AttackWaysOptions = {}): readonly AttackWay[] {
  const { modes, notPossible } = options;
  return subject.modes
    .filter(({ name, can }) => can?.pause === true && modes?.includes(name) !== false)
    .flatMap((mode) =>
      OWNERS.map((owner): AttackWay => {
        const declared = notPossible?.(mode, owner);
        return {
          name: `${mode.name}, ${owner}'s run`,
          open: () => new AdapterAttackWorld(subject, mode, owner),
          ...(declared === undefined ? {} : { notPossible: declared }),
        };
      }),
    );
}
