import { describe, expect, it } from "vitest";
import { docFences } from "./doc-fences.ts";

const read = (...lines: readonly string[]): ReturnType<typeof docFences> =>
  docFences([{ path: "docs/a.md", text: lines.join("\n") }]);

describe("docFences", () => {
  it("gives each block with what stands unseen before it", () => {
    expect(read("# A", "<!-- setup: const b = 1;", "const c = 2; -->", "```ts run", "b + c;", "```")).toEqual({
      fences: [
        {
          document: "docs/a.md",
          line: 5,
          source: "const b = 1;\nconst c = 2;\nb + c;\nexport {};\n",
          setupLines: 2,
          runs: true,
        },
      ],
      problems: [],
    });
  });

  it("leaves out what is ignored with a reason, and other languages", () => {
    expect(read("<!-- no-check: a fault -->", "", "```ts ignore", "x", "```", "```js", "y", "```")).toEqual({
      fences: [],
      problems: [],
    });
  });

  it.each([
    ["ignore", "a block that is not checked needs `<!-- no-check: reason -->` before it"],
    ["skip", "the mark `skip` is not known; use `run` or `ignore`"],
    ["run ignore", "a block that is not checked cannot be run"],
  ])("refuses the mark `%s` as it stands", (mark, problem) => {
    expect(read(`\`\`\`ts ${mark}`, "x", "```")).toEqual({ fences: [], problems: [`docs/a.md:2: ${problem}`] });
  });

  it("reads no other folder", () => {
    expect(docFences([{ path: "spec/SPEC.md", text: "```ts\nx\n```\n" }])).toEqual({ fences: [], problems: [] });
  });
});
