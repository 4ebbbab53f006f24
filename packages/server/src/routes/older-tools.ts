/**
 * The tools of a client of the first protocol (`{ key, name, description?, version: number, kind, metadata? }`) as today's.
 * Anything else stays as it is and is checked as it is.
 */
export function upgradeToolsBody(body: unknown): unknown {
  if (!isRecord(body) || !Array.isArray(body["tools"])) return body;
  return { ...body, tools: body["tools"].map((tool: unknown) => (isRecord(tool) ? upgradeTool(tool) : tool)) };
}

function upgradeTool({ key, version, ...rest }: Readonly<Record<string, unknown>>): unknown {
  const known = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
  return {
    ...(typeof key === "string" ? { name: key } : {}),
    ...known,
    ...(typeof key === "string" || key === undefined || key === null ? {} : { key }),
    ...(version === undefined || version === null
      ? {}
      : { version: typeof version === "number" ? String(version) : version }),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
