import { describe, expect, it, vi } from "vitest";
import { HandlebarError } from "./error.ts";

describe("HandlebarError", () => {
  it("carries code, message, field, details and cause", () => {
    const cause = new Error("why");
    const error = new HandlebarError("HB_POLICY_INVALID", "it is wrong", { field: "a.b", details: { n: 1 }, cause });
    expect({ ...error, message: error.message, name: error.name, cause: error.cause }).toEqual({
      code: "HB_POLICY_INVALID",
      field: "a.b",
      details: { n: 1 },
      message: "HB_POLICY_INVALID: it is wrong",
      name: "HandlebarError",
      cause,
    });
    expect(error).toBeInstanceOf(Error);
  });

  it("has empty details and no cause by default", () => {
    const error = new HandlebarError("HB_SINK_FAILED", "it failed");
    expect([error.field, error.details, "cause" in error]).toEqual([undefined, {}, false]);
  });

  it("is recognised across two copies of the package", async () => {
    vi.resetModules();
    const copy = await import("./error.ts");
    const foreign = new copy.HandlebarError("HB_API_AUTH", "refused");
    expect(foreign).not.toBeInstanceOf(HandlebarError);
    expect(HandlebarError.is(foreign)).toBe(true);
    expect(copy.HandlebarError.is(new HandlebarError("HB_API_AUTH", "refused"))).toBe(true);
  });

  it.each([undefined, null, "HB_API_AUTH", 1, {}, new Error("HB_API_AUTH: refused"), { code: "HB_API_AUTH" }])(
    "does not take %j for one",
    (value) => {
      expect(HandlebarError.is(value)).toBe(false);
    },
  );
});
