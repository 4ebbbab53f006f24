import { createOpenApi, type OpenApiDocument } from "../http/openapi.ts";
import { createRouteTable } from "../routes/route-table.ts";
import type { Services } from "../services/services.ts";

/** The HTTP contract as an OpenAPI document: what a running server gives at `/openapi.json`. */
export function openApiDocument(): OpenApiDocument {
  // Routes use their services when they are called, and these are not.
  return createOpenApi(createRouteTable({} as Services));
}
