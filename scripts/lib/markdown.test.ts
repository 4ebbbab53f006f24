import { describe, expect, it } from "vitest";
import { fencesOf, headingsOf, linksOf } from "./markdown.ts";

const DOCUMENT = [
  "# Title",
  "",
  "See [one](a.md#part), `[no](code.md)` and <!-- [no](comment.md) --> [two](../b.md).",
  "",
  "## The `name`: of it",
  "",
  "<!-- no-check: shows a fault -->",
  "",
  "```ts ignore",
  "[no](fence.md)",
  "# not a heading",
  "```",
  "",
  "- item",
  "  ```ts run",
  "  const a = 1;",
  "  ```",
  "",
  "## The name of it",
  "",
  "[ref]: ./c.md",
].join("\n");

describe("markdown", () => {
  it("reads fences with their marks, place and comment", () => {
    expect(fencesOf(DOCUMENT)).toEqual([
      {
        language: "ts",
        marks: ["ignore"],
        code: "[no](fence.md)\n# not a heading",
        line: 10,
        comment: "no-check: shows a fault",
      },
      { language: "ts", marks: ["run"], code: "const a = 1;", line: 16 },
    ]);
  });

  it("reads links that stand outside code and comments", () => {
    expect(linksOf(DOCUMENT)).toEqual([
      { target: "a.md#part", line: 3 },
      { target: "../b.md", line: 3 },
      { target: "./c.md", line: 21 },
    ]);
  });

  it("reads headings with their anchors", () => {
    expect(headingsOf(DOCUMENT)).toEqual([
      { level: 1, anchor: "title" },
      { level: 2, anchor: "the-name-of-it" },
      { level: 2, anchor: "the-name-of-it-1" },
    ]);
  });
});
