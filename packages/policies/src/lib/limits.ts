/** Bounds of a policy or case file, past which the file is refused with an error that names it, and of what is told of one. */
export const LIMITS = {
  /** UTF-16 code units of one file: 10,000 rules of moderate size are a sixth of it in YAML, a third in JSON. */
  textLengthMax: 16_777_216,
  /** Documents of one YAML file. */
  documentCountMax: 1_000,
  /** Levels of nesting: the deepest condition that the engine takes has 32 levels, each at most two here. */
  depthMax: 100,
  /** Values of one document with every alias written out. */
  nodeCountMax: 1_000_000,
  /** Aliases (`*name`) of one document. */
  aliasCountMax: 100,
  /** Problems reported of one text; what is left over is counted. */
  issueCountMax: 100,
  /** Rules, and fields of rules, that one comparison of two policies tells of; what is left over is counted. */
  diffRuleCountMax: 1_000,
  diffFieldCountMax: 2_000,
  /** Files read at once, and levels of directories entered to find them. */
  fileCountMax: 10_000,
  directoryDepthMax: 16,
} as const;
