import { describe, expect, it } from "vitest";
import { Handlebar } from "./client.ts";

const hb = () =>
  Handlebar.init({
    agent: { slug: "a" },
    policies: [
      {
        name: "flow",
        flow: {
          sources: [
            { tool: { name: "web" }, add: ["untrusted"] },
            { tool: { name: "crm" }, add: ["private"] },
          ],
        },
        rules: [
          {
            name: "no way out",
            on: "tool.before",
            tool: { name: "send" },
            when: { kind: "label", allOf: ["untrusted", "private"] },
            effect: { type: "block" },
          },
        ],
      },
    ],
    runtime: { env: () => undefined },
  });

describe("a run that another run starts", () => {
  it("starts with its labels and gives its own back", async () => {
    const client = hb();
    const parent = client.startRun();
    await parent.tool({ name: "crm", args: {} }, () => "record");
    const child = client.startRun({ parent });
    await child.tool({ name: "web", args: {} }, () => "page");
    expect((await child.beforeTool({ name: "send", args: {} })).verdict).toBe("BLOCK");
    await child.end();
    expect((await parent.beforeTool({ name: "send", args: {} })).verdict).toBe("BLOCK");
    expect((await client.startRun().beforeTool({ name: "send", args: {} })).verdict).toBe("ALLOW");
  });

  it("keeps its labels when it is paused and goes on elsewhere", async () => {
    const [here, there] = [hb(), hb()];
    const run = here.startRun({ runId: "r1" });
    await run.tool({ name: "crm", args: {} }, () => "record");
    const snapshot = JSON.parse(JSON.stringify(run.pause())) as ReturnType<typeof run.pause>;
    const resumed = there.startRun({ snapshot });
    expect(resumed.runId).toBe("r1");
    await resumed.tool({ name: "web", args: {} }, () => "page");
    expect((await resumed.beforeTool({ name: "send", args: {} })).verdict).toBe("BLOCK");
    expect(here.startRun({ runId: "r1" })).toBe(run);
  });
});
