import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseTools } from "@handlebar/policies";
import type { Tool } from "@handlebar/protocol";
import { UsageError } from "./command.ts";

/** Reads a file of tools. @throws HandlebarError `HB_CONFIG_INVALID`, UsageError. */
export function readTools(path: string, cwd: string): readonly Tool[] {
  try {
    return parseTools(readFileSync(resolve(cwd, path), "utf8"), { file: path });
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new UsageError(`\`${path}\` cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** Why a file could not be read, in words. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR") return "it is a folder";
  if (code === "EACCES") return "permission was denied";
  return error instanceof Error ? error.message : String(error);
}
