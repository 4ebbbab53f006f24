export { type FileIssue, formatIssue } from "./lib/file-issue.ts";
export { type PrintOptions, printPolicies } from "./lib/print-policies.ts";
export {
  type FilePlace,
  parsePolicies,
  type PolicyOrigin,
  type PolicyReading,
  readPolicies,
} from "./lib/read-policies.ts";
export { type FileFormat, type ReadOptions } from "./lib/source-text.ts";
