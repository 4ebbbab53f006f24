import { toolMarks, wrapTool } from "@handlebar/core";
import { describe, expect, it } from "vitest";
import type { SdkTool } from "./sdk-shapes.ts";
import { copyTool } from "./tool-copy.ts";

const execute = (): string => "ours";

describe("a copy of a tool", () => {
  it("keeps what the tool holds, hidden marks included, each time it is made", () => {
    const tool: SdkTool = wrapTool({ description: "pays", execute: () => "own" }, { tags: ["money"] });
    for (const copy of [copyTool(tool, { execute }), copyTool(tool, { execute })]) {
      expect(copy).toEqual({ description: "pays", execute });
      expect([toolMarks(copy), Object.keys(copy)]).toEqual([{ tags: ["money"] }, ["description", "execute"]]);
    }
    expect(tool.execute).not.toBe(execute);
  });

  it("keeps a tool's class and its getters", () => {
    class Own {
      readonly description: string = "a class's";
      execute(): string {
        return "own";
      }
    }
    const copy = copyTool(new Own(), { execute });
    expect([copy instanceof Own, copy.description, copy.execute]).toEqual([true, "a class's", execute]);
    let asked = 0;
    const lazy = copyTool(
      {
        get description() {
          return `asked ${++asked} times`;
        },
      },
      { execute },
    );
    expect([asked, lazy.description, lazy.description]).toEqual([0, "asked 1 times", "asked 2 times"]);
  });
});
