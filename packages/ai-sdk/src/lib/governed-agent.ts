import { withRun } from "@handlebar/core";
import type { AgentCall } from "./agent-call.ts";
import type { Params, SdkGovernor } from "./sdk-governor.ts";
import { isObject } from "./sdk-shapes.ts";

/** What the SDK's agent classes have in common. */
interface SdkAgent {
  generate(options: unknown): PromiseLike<unknown>;
  stream(options: unknown): PromiseLike<unknown>;
}
type AgentClass = new (settings: Params) => SdkAgent;

/**
 * A subclass of the SDK's agent class whose every call runs an agent made for that call, with model and tools bound to its run: one
 * agent object can serve many requests at once, and is an agent to whoever asks.
 */
export function governAgentClass(original: unknown, governor: SdkGovernor): unknown {
  // The SDK's agent classes take their settings and have these two methods, in versions 6 and 7 alike.
  const Original = original as AgentClass;
  class GovernedAgent extends Original {
    readonly #settings: Params;

    constructor(settings: Params) {
      super(settings);
      this.#settings = settings;
    }

    override async generate(options: unknown): Promise<unknown> {
      const call = governor.open(options);
      return governor.finishing(call, () => this.#forCall(call, governor.noting(this.#settings)).generate(options));
    }

    override async stream(options: unknown): Promise<unknown> {
      const call = governor.open(options);
      // Callbacks that come with the call are the SDK's to merge; those of the settings are asked through ours.
      const callbacks = { ...governor.callbacks(this.#settings, call), ...governor.noting(this.#settings) };
      try {
        return await withRun(call.run, () => this.#forCall(call, callbacks).stream(options));
      } catch (error) {
        call.fail(error);
        throw error;
      }
    }

    #forCall(call: AgentCall, callbacks: Params): SdkAgent {
      const { prepareCall } = this.#settings;
      const prepare = async (args: unknown): Promise<Params> => {
        const given: unknown = typeof prepareCall === "function" ? await prepareCall(args) : undefined;
        const prepared = isObject(given) ? given : isObject(args) ? args : {};
        return governor.govern({ ...prepared, ...callbacks }, call);
      };
      return new Original({ ...this.#settings, ...callbacks, prepareCall: prepare });
    }
  }
  Object.defineProperty(GovernedAgent, "name", { value: Original.name });
  return GovernedAgent;
}
