import { formatPath, type HandlebarErrorCode, type Issue } from "@handlebar/protocol";
import type { FileIssue } from "./file-issue.ts";
import { LIMITS } from "./limits.ts";
import { readJson } from "./read-json.ts";
import { readYaml } from "./read-yaml.ts";
import { offsetAt, type SourceDocument, type SourceNode, type SyntaxIssue } from "./source-node.ts";
import { LineMap, type TextPlace } from "./text-place.ts";

/** How a text is written. */
export type FileFormat = "yaml" | "json";

export interface ReadOptions {
  /** Named in every issue; also tells the format by its extension. */
  readonly file?: string | undefined;
  /** Default: `json` for a file that ends in `.json`, else `yaml`, which reads most JSON too. */
  readonly format?: FileFormat | undefined;
}

/** Codes that issues of one kind of file carry. */
export interface IssueCodes {
  readonly invalid: HandlebarErrorCode;
  readonly unknownField: HandlebarErrorCode;
}

/** A text that was read, with the means to say where in it something is wrong. */
export class SourceText {
  readonly text: string;
  readonly file: string | undefined;
  readonly documents: readonly SourceDocument[];
  readonly #codes: IssueCodes;
  readonly #lines: LineMap;

  constructor(text: string, options: ReadOptions, codes: IssueCodes) {
    this.#codes = codes;
    this.text = text;
    this.file = options.file;
    this.#lines = new LineMap(text.slice(0, LIMITS.textLengthMax));
    this.documents = readDocuments(text, options);
  }

  place(offset: number): TextPlace {
    return this.#lines.place(offset);
  }

  /** What the reader found wrong with `document` itself. */
  syntaxIssues(document: SourceDocument): readonly FileIssue[] {
    return document.issues.map((issue: SyntaxIssue) => ({
      file: this.file,
      ...this.place(issue.offset),
      path: "",
      code: issue.code,
      message: issue.fix === undefined ? issue.message : `${issue.message}; ${issue.fix}`,
      ...(issue.fix === undefined ? {} : { fix: issue.fix }),
    }));
  }

  /** Issues of the value at `prefix` in `root`, placed in the file. */
  fileIssues(root: SourceNode, prefix: readonly PropertyKey[], issues: readonly Issue[]): FileIssue[] {
    return issues.map((issue) => {
      const keys = [...prefix, ...issue.keys];
      return {
        file: this.file,
        ...this.place(offsetAt(root, keys, issue.unknownField === true)),
        path: formatPath(keys),
        code: issue.unknownField === true ? this.#codes.unknownField : this.#codes.invalid,
        message: issue.message,
        ...(issue.fix === undefined ? {} : { fix: issue.fix }),
      };
    });
  }
}

function readDocuments(text: string, options: ReadOptions): readonly SourceDocument[] {
  if (text.length > LIMITS.textLengthMax) {
    const message = `longer than ${LIMITS.textLengthMax} characters`;
    return [{ issues: [{ offset: 0, code: "HB_POLICY_LIMIT", message, fix: "split it into several files" }] }];
  }
  const format = options.format ?? (/\.json$/i.test(options.file ?? "") ? "json" : "yaml");
  return format === "json" ? [readJson(text)] : readYaml(text);
}
