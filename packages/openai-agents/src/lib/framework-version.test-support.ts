import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { version }: { version: string } = JSON.parse(
  readFileSync(
    createRequire(import.meta.url)
      .resolve("@openai/agents")
      .replace(/dist\/.*$/, "package.json"),
    "utf8",
  ),
);

/** The copy of the framework that is installed. */
export const FRAMEWORK: string = `@openai/agents ${version}`;
