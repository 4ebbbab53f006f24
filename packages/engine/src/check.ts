export { type ExprIssue, prepareExpressions } from "./lib/check/prepare-expressions.ts";
