import { gzipSync } from "node:zlib";
import { build, type Platform } from "esbuild";

/** What an edge bundle came out as. Sizes are in bytes. */
export interface EdgeBundle {
  readonly sizeBytes: number;
  readonly gzipBytes: number;
  readonly problems: readonly string[];
}

/** Code that only Node.js, or only the saving of policies, needs. */
const FORBIDDEN: readonly RegExp[] = [
  /node_modules\/@pydantic\/genai-prices\//,
  /node_modules\/yaml\//,
  /node_modules\/@bufbuild\/cel/,
  /node_modules\/@handlebar\/policies\//,
  /node_modules\/sonic-boom\//,
];

/** Bundles `specifier` as an edge host would, from the packages installed in `folder`, and looks at what went in. */
export async function edgeBundle(folder: string, specifier: string, platform: Platform): Promise<EdgeBundle> {
  const result = await build({
    stdin: { contents: `export * from "${specifier}";`, resolveDir: folder, loader: "js" },
    absWorkingDir: folder,
    bundle: true,
    conditions: ["workerd", "edge-light", "worker", "import"],
    external: ["node:*"],
    format: "esm",
    logLevel: "silent",
    mainFields: ["module", "main"],
    metafile: true,
    minify: true,
    platform,
    target: "es2022",
    write: false,
  }).catch((error: unknown) => String(error));
  if (typeof result === "string") return { sizeBytes: 0, gzipBytes: 0, problems: [`does not bundle: ${result}`] };

  const inputs = Object.entries(result.metafile.inputs);
  const nodeImports = inputs.flatMap(([file, input]) =>
    input.imports.filter(({ path }) => path.startsWith("node:")).map(({ path }) => `${file} imports ${path}`),
  );
  const forbidden = inputs
    .map(([file]) => file)
    .filter((file) => FORBIDDEN.some((pattern) => pattern.test(file)))
    .map((file) => `${file} is in it`);
  const code = result.outputFiles[0]?.contents ?? new Uint8Array();
  return {
    sizeBytes: code.length,
    gzipBytes: gzipSync(code).length,
    problems: [...nodeImports, ...forbidden],
  };
}
