export { loadPolicyFiles } from "@handlebar/policies/node";
export { type FileSink, type FileSinkOptions, type FileSinkStats, fileSink } from "./lib/node/file-sink.ts";
export { type FileSpool, type FileSpoolOptions, type FileSpoolStats, fileSpool } from "./lib/node/spool.ts";
export { type FileStateCacheOptions, fileStateCache } from "./lib/node/state-cache.ts";
