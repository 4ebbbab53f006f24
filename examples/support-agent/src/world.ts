import { appendFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const DATA = fileURLToPath(new URL("../data/", import.meta.url));

/** The files and the page that the tools work on. */
export interface World {
  /** Where this story writes; emptied at its start. */
  readonly folder: string;
  readonly pageUrl: string;
  readData(name: string): string;
  /** Adds one line to a file of the folder. */
  record(name: string, entry: object): void;
  recorded(name: string): readonly unknown[];
  close(): Promise<void>;
}

export async function openWorld(folder: string): Promise<World> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end(readFileSync(join(DATA, "returns.html")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    folder,
    pageUrl: `http://127.0.0.1:${port}/returns`,
    readData: (name) => readFileSync(join(DATA, name), "utf8"),
    record: (name, entry) => appendFileSync(join(folder, name), `${JSON.stringify(entry)}\n`),
    recorded: (name) => readLines(join(folder, name)),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export function readLines(path: string): readonly unknown[] {
  try {
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as unknown);
  } catch {
    return [];
  }
}
