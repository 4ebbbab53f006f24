import { join } from "node:path";

/** The repository's root folder, absolute. */
export const REPO_ROOT: string = join(import.meta.dirname, "..", "..");
