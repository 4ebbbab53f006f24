export { loadPolicyFiles, type PolicyFilesReading, readPolicyFiles } from "./lib/policy-files.ts";
export { type CaseFileReading, type CaseFilesReading, readCaseFiles } from "./lib/policy-files-cases.ts";
