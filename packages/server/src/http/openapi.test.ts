import { describe, expect, it } from "vitest";
import { openApiDocument } from "../life/contract.ts";
import { DOCS_CONTENT_POLICY, docsPage } from "./docs-page.ts";

const document = openApiDocument();
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

describe("the OpenAPI document", () => {
  it("leads every reference to a definition, and defines nothing that is not used", () => {
    const text = JSON.stringify(document);
    const refs = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name);
    expect(new Set(refs)).toEqual(new Set(Object.keys(document.components.schemas)));
    // Zod's own forms of references and ids do not stand in an OpenAPI document.
    expect(text).not.toMatch(/\$defs|__shared|"\$id"|"\$schema"/);
  });

  it("has every part of a path as a parameter, and no other", () => {
    for (const { path, operation } of operations) {
      const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const given = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect(given.map(({ name, required }) => [name, required])).toEqual(parts.map((name) => [name, true]));
    }
  });

  it("gives every operation a success and the problem document", () => {
    for (const { operation } of operations) {
      expect(Object.keys(operation.responses).some((status) => /^2/.test(status))).toBe(true);
      expect(operation.responses["default"]).toMatchObject({
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      });
    }
  });

  it("writes query parameters as what they are read as", () => {
    const parameters = document.paths["/v1/runs"]?.["get"]?.parameters;
    expect(parameters).toContainEqual({
      name: "limit",
      in: "query",
      required: false,
      schema: { type: "integer", minimum: 1, maximum: 1000 },
    });
  });
});

describe("the documentation page", () => {
  const page = docsPage(document);

  it("shows every operation and schema", () => {
    for (const { operation } of operations) expect(page).toContain(`id="${operation.operationId}"`);
    for (const name of Object.keys(document.components.schemas)) expect(page).toContain(`id="schema-${name}"`);
  });

  it("needs nothing from elsewhere and runs nothing", () => {
    expect(page).not.toMatch(/<script|src=|url\(|@import|https?:|\son\w+=/i);
    expect(DOCS_CONTENT_POLICY).toMatch(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]+={0,2}';/);
  });

  it("leads every link to something on it", () => {
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${target}"`);
  });

  it("shows text as text", () => {
    const evil = { ...document, info: { ...document.info, title: "<img onerror=x>" } };
    expect(docsPage(evil)).not.toContain("<img");
  });
});
