export { type CaseFileReading, type CaseFilesReading, readCaseFiles } from "./lib/case-files.ts";
export { loadPolicyFiles, type PolicyFilesReading, readPolicyFiles } from "./lib/policy-files.ts";
