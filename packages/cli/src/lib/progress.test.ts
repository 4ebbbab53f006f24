import { describe, expect, it } from "vitest";
import { createProgress } from "./progress.ts";

const LONG_BYTES = 8 * 1024 * 1024;

function shown(isTty: boolean, totalBytes: number): readonly string[] {
  const said: string[] = [];
  const context = {
    out: () => undefined,
    err: (text: string) => said.push(text),
    cwd: "/",
    isTty,
    hasColour: false,
    env: {},
    interrupted: new AbortController().signal,
  };
  const progress = createProgress(context, totalBytes);
  for (let at = 0; at < 4; at += 1) progress.add(totalBytes / 4);
  progress.clear();
  progress.clear();
  return said;
}

describe("progress", () => {
  it("is a bar that goes away, for a person and long input", () => {
    const bar = (percent: number): string => {
      const filled = (percent / 100) * 40;
      return `\r[${"#".repeat(filled)}${" ".repeat(40 - filled)}] ${String(percent).padStart(3)} %`;
    };
    expect(shown(true, LONG_BYTES)).toEqual([bar(25), bar(50), bar(75), bar(100), `\r${" ".repeat(48)}\r`]);
  });

  it("is nothing for a program, and for short input", () => {
    expect(shown(false, LONG_BYTES)).toEqual([]);
    expect(shown(true, 1_000)).toEqual([]);
  });
});
