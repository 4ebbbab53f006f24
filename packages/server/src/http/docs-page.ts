import { createHash } from "node:crypto";
import type { OpenApiDocument, OpenApiOperation } from "./openapi.ts";
import type { JsonSchema } from "./openapi-schemas.ts";

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentcolor 18%, transparent); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { overflow: auto; padding: .6rem; border: 1px solid var(--line); border-radius: 6px; }
.method { display: inline-block; min-width: 4.2rem; font-weight: 700; }
.scope { opacity: .7; }
table { border-collapse: collapse; } td, th { padding: .15rem .8rem .15rem 0; text-align: left; vertical-align: top; }
`;

/** Only this page's own style is let through; it has no script. */
export const DOCS_CONTENT_POLICY: string = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The OpenAPI document as one page that needs nothing else. */
export function docsPage(document: OpenApiDocument): string {
  const { info, tags, paths, components } = document;
  const sections = tags.map(({ name }) => `<h2>${escapeHtml(name)}</h2>\n${operationsOf(paths, name).join("\n")}`);
  const schemas = Object.entries(components.schemas).map(([name, schema]) => schemaBlock(name, schema));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(info.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(info.title)} <small>${escapeHtml(info.version)}</small></h1>
<p>${escapeHtml(info.description)}</p>
<p><a href="/openapi.json">openapi.json</a></p>
${sections.join("\n")}
<h2>Schemas</h2>
${schemas.join("\n")}
</body>
</html>
`;
}

function operationsOf(paths: OpenApiDocument["paths"], tag: string): readonly string[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => operationBlock(method, path, operation)),
  );
}

function operationBlock(method: string, path: string, operation: OpenApiOperation): string {
  const { operationId, summary, parameters = [], requestBody, responses } = operation;
  const scope = operation["x-scope"] ?? "any key";
  const rows = parameters.map(
    ({ name, in: where, required, schema }) =>
      `<tr><td><code>${escapeHtml(name)}</code></td><td>${where}${required ? "" : ", optional"}</td><td><code>${escapeHtml(JSON.stringify(schema))}</code></td></tr>`,
  );
  const table = rows.length === 0 ? "" : `<table>${rows.join("")}</table>`;
  const body = requestBody === undefined ? "" : `<p>Body: ${linksIn(requestBody)}</p>`;
  const answers = Object.entries(responses).map(
    ([status, response]) =>
      `<tr><td><code>${status}</code></td><td>${describe(response)}</td><td>${linksIn(response)}</td></tr>`,
  );
  return `<details id="${escapeHtml(operationId)}">
<summary><span class="method">${method.toUpperCase()}</span> <code>${escapeHtml(path)}</code> ${escapeHtml(summary)}</summary>
<p class="scope">Scope: <code>${escapeHtml(scope)}</code></p>
${table}${body}
<table>${answers.join("")}</table>
</details>`;
}

function schemaBlock(name: string, schema: JsonSchema): string {
  return `<details id="schema-${escapeHtml(name)}"><summary><code>${escapeHtml(name)}</code></summary>
<pre>${linkRefs(escapeHtml(JSON.stringify(schema, undefined, 2)))}</pre></details>`;
}

function describe(response: unknown): string {
  const isDescribed = typeof response === "object" && response !== null && "description" in response;
  return isDescribed ? escapeHtml(String(response.description)) : "";
}

/** The schemas that a part of the document names. */
function linksIn(part: unknown): string {
  const names = [...JSON.stringify(part).matchAll(/#\/components\/schemas\/([^"]+)/g)].map(([, name]) => name ?? "");
  return names.map((name) => `<a href="#schema-${escapeHtml(name)}"><code>${escapeHtml(name)}</code></a>`).join(" ");
}

function linkRefs(html: string): string {
  return html.replaceAll(
    /#\/components\/schemas\/(\w+)/g,
    (text, name: string) => `<a href="#schema-${name}">${text}</a>`,
  );
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
