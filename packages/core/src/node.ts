export { type FileSinkOptions, fileSink } from "./lib/node/file-sink.ts";
export { loadPolicyFiles } from "@handlebar/policies/node";
