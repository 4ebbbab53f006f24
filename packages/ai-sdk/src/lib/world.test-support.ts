import { Handlebar, type HandlebarClient, type HandlebarConfig } from "@handlebar/core";
import type { AuditEvent, EventKind, Rule } from "@handlebar/protocol";
import { type Line, ScriptedModel } from "@handlebar/testing";
import { type GovernAIOptions, governAI } from "../index.ts";
import type { SdkModule } from "./contract-subject.test-support.ts";
import { mockModel } from "./mock-model.test-support.ts";
import type { SdkVersion } from "./versions.test-support.ts";

/** A governed SDK, what its client recorded, and models that say their lines. */
export interface TestWorld {
  readonly sdk: SdkModule;
  readonly hb: HandlebarClient;
  readonly events: readonly AuditEvent[];
  eventsOf<K extends EventKind>(kind: K): readonly AuditEvent<K>[];
  model(lines: readonly Line[]): { readonly scripted: ScriptedModel; readonly mock: object };
}

export function openTestWorld(
  { sdk, test }: Pick<SdkVersion, "sdk" | "test">,
  rules: readonly Rule[],
  options: Partial<HandlebarConfig> & { readonly govern?: GovernAIOptions } = {},
): TestWorld {
  const { govern, ...config } = options;
  const events: AuditEvent[] = [];
  const hb = Handlebar.init({
    agent: { slug: "test" },
    policies: [{ name: "p", rules: [...rules] }],
    sinks: [{ write: (event) => void events.push(event) }],
    runtime: { env: () => undefined },
    ...config,
  });
  return {
    sdk: governAI(sdk, hb, govern),
    hb,
    events,
    // The kind decides which of the union's members an event is.
    eventsOf: (kind) => events.filter((event) => event.kind === kind) as never,
    model: (lines) => {
      const scripted = new ScriptedModel(lines);
      return { scripted, mock: mockModel(test, sdk.APICallError, scripted) };
    },
  };
}

/** A tool that takes any object. */
export function toolOf(sdk: SdkModule, tool: object): object {
  return sdk.tool({
    inputSchema: sdk.jsonSchema({ type: "object", properties: {}, additionalProperties: true }),
    ...tool,
  });
}

export async function readAll<T>(stream: AsyncIterable<T>): Promise<readonly T[]> {
  const parts: T[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}
