import type { AnyClient } from "@handlebar/core/adapter";
import type { Model, RunConfig, Runner } from "@openai/agents";
import type { Framework } from "./framework.ts";
import { governModel, governProvider } from "./govern-model.ts";
import { type AnyOptions, runGoverned } from "./governed-run.ts";
import type { CreateRunOptions, GovernedRun, GovernOptions } from "./run-options.ts";

/** The framework's runner under a client: every run of an agent is one of the client's runs. */
export type GovernedRunner = Runner & { run: GovernedRun };

export interface HandlebarRunnerClass {
  new (hb: AnyClient, config?: Partial<RunConfig>, options?: GovernOptions): GovernedRunner;
  readonly prototype: GovernedRunner;
}

/** What the package gives, on one copy of the framework. */
export interface Adapter {
  createRun(hb: AnyClient, options?: CreateRunOptions): GovernedRun;
  readonly HandlebarRunner: HandlebarRunnerClass;
}

export function bindFramework(framework: Framework): Adapter {
  const governConfig = (config: { modelProvider: Runner["config"]["modelProvider"]; model?: string | Model }): void => {
    config.modelProvider = governProvider(config.modelProvider, framework);
    if (typeof config.model === "object") config.model = governModel(config.model, framework);
  };
  const govern = (base: Runner["run"], hb: AnyClient, options: GovernOptions): GovernedRun => {
    const run = (agent: never, input: never, runOptions?: AnyOptions) =>
      runGoverned(
        { ...options, hb, framework },
        {
          agent,
          input,
          options: runOptions,
          execute: (governed) => base(agent, input, governed as Parameters<typeof base>[2]),
        },
      );
    // It gives what the framework's run gives for the same arguments.
    return run as unknown as GovernedRun;
  };
  class Governed extends framework.Runner {
    constructor(hb: AnyClient, config: Partial<RunConfig> = {}, options: GovernOptions = {}) {
      super(config);
      governConfig(this.config);
      const base: Runner["run"] = super.run.bind(this);
      Object.defineProperty(this, "run", { value: govern(base, hb, options), writable: true, configurable: true });
    }
  }
  return {
    createRun: (hb, { runner, ...options } = {}) => {
      if (runner === undefined) return new Governed(hb, {}, options).run;
      if (runner instanceof Governed) return runner.run;
      governConfig(runner.config);
      return govern(runner.run.bind(runner), hb, options);
    },
    HandlebarRunner: Governed as HandlebarRunnerClass,
  };
}
