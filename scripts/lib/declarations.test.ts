import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportedNames } from "./declarations.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "handlebar-api-"));
  const files = {
    "index.d.ts": [
      'export { run as runAll, type Options } from "./lib.ts";',
      'export type { Policy } from "@handlebar/protocol";',
      'export { Deep } from "./middle.js";',
      "/** Says hello. */",
      "export declare const hello: unique symbol;",
      "export {};",
    ],
    "lib.d.ts": [
      'import type { Policy } from "@handlebar/protocol";',
      "/** What to run. */",
      "export interface Options {",
      "    /** How many. */",
      "    readonly count?: number;",
      "}",
      "export declare function run(a: string): void;",
      "export declare function run(a: number): void;",
      "export declare const hidden = 1;",
      "//# sourceMappingURL=lib.d.ts.map",
    ],
    "middle.d.ts": ['export { Deep } from "./deep.js";'],
    "deep.d.ts": ["declare class Deep {", "    #private;", "}", "export { Deep };"],
  };
  for (const [name, lines] of Object.entries(files)) writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("exportedNames", () => {
  it("gives each name with its declaration, wherever that stands, and nothing that is not exported", () => {
    expect(exportedNames(join(folder, "index.d.ts"))).toEqual([
      { name: "Deep", signature: "class Deep { #private; }" },
      { name: "Options", signature: "interface Options { readonly count?: number; }" },
      { name: "Policy", signature: 'Policy from "@handlebar/protocol"' },
      { name: "hello", signature: "const hello: unique symbol" },
      { name: "runAll", signature: "function run(a: string): void\nfunction run(a: number): void" },
    ]);
  });

  it("refuses a name that is declared nowhere", () => {
    const file = join(folder, "wrong.d.ts");
    writeFileSync(file, 'export { missing } from "./lib.js";\n');
    expect(() => exportedNames(file)).toThrow(`${join(folder, "lib.d.ts")} does not declare missing`);
  });
});
