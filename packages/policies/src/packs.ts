export { PACK_NAMES, type PackName, packFile } from "./lib/pack-files.ts";
