import * as ai7 from "ai";
import * as ai7Test from "ai/test";
import * as ai6 from "ai6";
import * as ai6Test from "ai6/test";
import * as ai6Oldest from "ai6-oldest";
import * as ai6OldestTest from "ai6-oldest/test";
import * as ai7Oldest from "ai7-oldest";
import * as ai7OldestTest from "ai7-oldest/test";
import type { SdkModule } from "./contract-subject.test-support.ts";
import type { SdkTestModule } from "./mock-model.test-support.ts";

export interface SdkVersion {
  readonly framework: string;
  readonly major: 6 | 7;
  readonly sdk: SdkModule;
  readonly test: SdkTestModule;
}

/** The oldest and newest release of each major version that is supported. */
export const VERSIONS: readonly SdkVersion[] = [
  version("ai 6.0.0", ai6Oldest, ai6OldestTest),
  version("ai 6.0.325", ai6, ai6Test),
  version("ai 7.0.0", ai7Oldest, ai7OldestTest),
  version("ai 7.0.173", ai7, ai7Test),
];

/** Each version's own types are for the type tests; here its functions are called as they are. */
function version(framework: string, sdk: object, test: object): SdkVersion {
  const major = framework.startsWith("ai 6") ? 6 : 7;
  return { framework, major, sdk: sdk as SdkModule, test: test as SdkTestModule };
}
