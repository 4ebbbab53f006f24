import { adapterContract } from "@handlebar/testing";
import * as ai7 from "ai";
import * as ai7Test from "ai/test";
import * as ai6 from "ai6";
import * as ai6Test from "ai6/test";
import * as ai6Oldest from "ai6-oldest";
import * as ai6OldestTest from "ai6-oldest/test";
import * as ai7Oldest from "ai7-oldest";
import * as ai7OldestTest from "ai7-oldest/test";
import { describe, expect, it, vi } from "vitest";
import { aiSdkSubject, type SdkModule, type SubjectOptions } from "./contract-subject.test-support.ts";
import type { SdkTestModule } from "./mock-model.test-support.ts";

const secondCopyOfCore = async () => {
  vi.resetModules();
  return import("@handlebar/core");
};

const VERSIONS: readonly Pick<SubjectOptions, "framework" | "sdk" | "test" | "cannot">[] = [
  version("ai 6.0.0", ai6Oldest, ai6OldestTest),
  version("ai 6.0.325", ai6, ai6Test),
  version("ai 7.0.0", ai7Oldest, ai7OldestTest),
  version("ai 7.0.173", ai7, ai7Test),
];

/** Each version's own types are another matter; here its functions are called as they are. */
function version(framework: string, sdk: object, test: object): Pick<SubjectOptions, "framework" | "sdk" | "test"> {
  return { framework, sdk: sdk as SdkModule, test: test as SdkTestModule };
}

describe.each(VERSIONS)("the adapter contract on $framework", (options) => {
  const contract = adapterContract(aiSdkSubject({ ...options, secondCopyOfCore }));

  for (const { name, run } of contract.cases) it(name, run);

  it("has the results that are checked in", async () => {
    const file = `../../contract-results/${options.framework.replaceAll(" ", "-")}.json`;
    await expect(`${JSON.stringify(contract.results(), undefined, 2)}\n`).toMatchFileSnapshot(file);
  });
});
