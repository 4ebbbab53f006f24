import { effectiveTags } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { getCurrentRun, withRun } from "./als.ts";
import { Handlebar } from "./client.ts";
import { defineTool, toolMarks, wrapTool } from "./tools.ts";

describe("wrapTool", () => {
  it("marks a tool of any shape without showing", () => {
    const tool = { description: "reads", execute: () => 1 };
    const wrapped = wrapTool(tool, { tags: ["read-only"], classification: "internal" });
    expect(wrapped).toBe(tool);
    expect(toolMarks(wrapped)).toEqual({ tags: ["read-only"], classification: "internal" });
    expect(Object.keys(wrapped)).toEqual(["description", "execute"]);
    expect(JSON.stringify(wrapped)).toBe('{"description":"reads"}');
    expect(toolMarks({})).toBeUndefined();
    expect(toolMarks(7)).toBeUndefined();
  });

  it("names what is wrong with the marks", () => {
    expect(() => wrapTool({}, { tags: [1] as never })).toThrow(/HB_CONFIG_INVALID: tool `tags\[0\]`/);
    expect(() => defineTool({ name: "", execute: () => 1 })).toThrow(/HB_CONFIG_INVALID: tool `name`/);
    expect(() => defineTool({ name: "a" } as never)).toThrow(/HB_CONFIG_INVALID: `execute` must be a function/);
  });
});

describe("a defined tool", () => {
  it("is selected by its tags and its classification", async () => {
    const tool = defineTool({
      name: "read",
      tags: ["crm"],
      execute: ({ id }: { id: number }) => `record ${id}`,
    });
    const hb = Handlebar.init({
      agent: { slug: "a" },
      tools: [{ name: "secret", classification: "restricted" }],
      policies: [
        {
          name: "p",
          rules: [
            {
              name: "crm",
              on: "tool.before",
              tool: { tagsAny: ["crm"] },
              when: { kind: "toolArg", path: "id", type: "number", op: "gt", value: 5 },
              effect: { type: "block" },
            },
            {
              name: "restricted",
              on: "tool.before",
              tool: { tagsAny: ["classification:restricted"] },
              effect: { type: "block" },
            },
          ],
        },
      ],
      runtime: { env: () => undefined },
    });
    const run = hb.startRun();
    expect(await run.tool({ ...tool, args: { id: 1 } })).toMatchObject({ status: "done", result: "record 1" });
    expect(await run.tool({ ...tool, args: { id: 9 } })).toMatchObject({ status: "blocked" });
    expect((await run.beforeTool({ name: "secret", args: {} })).finalRuleId).toBe("p/restricted");
    expect(effectiveTags({ tags: ["x"], classification: "public" })).toEqual(["x", "classification:public"]);
  });
});

describe("subjects", () => {
  it("are asked for where a rule reads them, decide, and are recorded", async () => {
    const subjects: unknown[] = [];
    const hb = Handlebar.init({
      agent: { slug: "a" },
      policies: [
        {
          name: "p",
          rules: [
            {
              name: "own",
              on: "tool.before",
              tool: { name: "read" },
              when: { kind: "subject", subjectType: "patient", op: "neq", value: "p1" },
              effect: { type: "block" },
            },
          ],
        },
      ],
      subjects: ({ args }) => [{ subjectType: "patient", value: (args as { id: string }).id }],
      sinks: [{ write: (event) => void (event.kind === "tool.decision" && subjects.push(event.data.subjects)) }],
      runtime: { env: () => undefined },
    });
    const run = hb.startRun();
    expect((await run.beforeTool({ name: "read", args: { id: "p1" } })).verdict).toBe("ALLOW");
    expect((await run.beforeTool({ name: "read", args: { id: "p2" } })).verdict).toBe("BLOCK");
    await run.beforeTool({ name: "other", args: { id: "p3" } });
    expect(subjects).toEqual([
      [{ subjectType: "patient", value: "p1" }],
      [{ subjectType: "patient", value: "p2" }],
      undefined,
    ]);
  });
});

describe("the current run", () => {
  it("follows what withRun starts, and nothing else", async () => {
    const hb = Handlebar.init({ agent: { slug: "a" }, policies: [], enforceMode: "off" });
    const [one, two] = [hb.startRun(), hb.startRun()];
    expect(getCurrentRun()).toBeUndefined();
    const seen = await withRun(one, async () => {
      const inner = withRun(two, () => getCurrentRun());
      await Promise.resolve();
      return [inner, getCurrentRun()];
    });
    expect(seen).toEqual([two, one]);
    expect(getCurrentRun()).toBeUndefined();
  });
});
