import { adapterContract } from "@handlebar/testing";
import { describe, expect, it, vi } from "vitest";
import { aiSdkSubject } from "./contract-subject.test-support.ts";
import { VERSIONS } from "./versions.test-support.ts";

const secondCopyOfCore = async () => {
  vi.resetModules();
  return import("@handlebar/core");
};

describe.each(VERSIONS)("the adapter contract on $framework", (version) => {
  const contract = adapterContract(aiSdkSubject({ ...version, secondCopyOfCore }));

  for (const { name, run } of contract.cases) it(name, run);

  it("has the results that are checked in", async () => {
    const file = `../../contract-results/${version.framework.replaceAll(" ", "-")}.json`;
    await expect(`${JSON.stringify(contract.results(), undefined, 2)}\n`).toMatchFileSnapshot(file);
  });
});
