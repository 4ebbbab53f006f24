import { DETECTOR_GROUPS, DETECTOR_IDS } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { TEXT_LENGTH_MAX } from "../limits.ts";
import { DETECTORS } from "./catalogue.ts";
import { detect } from "./detect.ts";
import { maskText } from "./mask.ts";

describe("DETECTORS", () => {
  it("has one for each id, and every group is made of ids", () => {
    expect(DETECTORS.map(({ id }) => id).toSorted()).toEqual([...DETECTOR_IDS].toSorted());
    expect(
      Object.values(DETECTOR_GROUPS)
        .flat()
        .filter((id) => !DETECTOR_IDS.includes(id)),
    ).toEqual([]);
  });
});

describe("detect", () => {
  it("uses every detector unless told which", () => {
    const text = "bob@example.com at 10.0.0.1";
    const email = { id: "email", start: 0, end: 15 };
    expect(detect(text)).toEqual({ findings: [email, { id: "ip_address", start: 19, end: 27 }], exceeded: false });
    expect(detect(text, ["email"])).toEqual({ findings: [email], exceeded: false });
    expect(detect(text, ["email", "email"])).toEqual({ findings: [email], exceeded: false });
    expect(detect(text, [])).toEqual({ findings: [], exceeded: false });
    expect(detect("")).toEqual({ findings: [], exceeded: false });
  });

  it("names what several find by the longest, of equals by the most specific", () => {
    const url = "https://bob:hunter2@10.0.0.1/?key=AKIAIOSFODNN7EXAMPLE";
    expect(detect(url).findings).toEqual([{ id: "url", start: 0, end: url.length }]);
    const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    expect(detect(`token=${token}`).findings).toEqual([{ id: "jwt", start: 6, end: 6 + token.length }]);
  });

  it("joins findings that overlap in part, so that nothing of either is left", () => {
    const text = "https://example.com/4111 1111 1111 1111";
    expect(detect(text, ["url"]).findings).toEqual([{ id: "url", start: 0, end: 24 }]);
    expect(detect(text, ["payment_card"]).findings).toEqual([{ id: "payment_card", start: 20, end: 39 }]);
    expect(detect(text, ["url", "payment_card"]).findings).toEqual([{ id: "url", start: 0, end: 39 }]);
  });

  it("takes the property's name for a word beside the text", () => {
    const found = (text: string, property?: string): readonly string[] =>
      detect(text, DETECTOR_IDS, { property }).findings.map(({ id, start, end }) => `${id} ${text.slice(start, end)}`);
    expect(found("111222333")).toEqual([]);
    expect(found("111222333", "burgerServiceNummer")).toEqual(["nl_bsn 111222333"]);
    expect(found("111222333", "order_number")).toEqual([]);
    expect(found("4155550132", "mobilePhone")).toEqual(["phone 4155550132"]);
    expect(found("call 555 0132", "contact_phone")).toEqual(["phone 555 0132"]);
    expect(found("hunter", "password")).toEqual(["password hunter"]);
    expect(found("correct horse battery", "userPassphrase")).toEqual(["password correct horse battery"]);
    expect(found("string", "password")).toEqual([]);
    expect(found("Bearer a1B2c3D4e5F6g7H8", "Authorization")).toEqual(["access_token a1B2c3D4e5F6g7H8"]);
    expect(found("Basic dXNlcjpodW50ZXIy", "authorization")).toEqual(["password dXNlcjpodW50ZXIy"]);
    expect(found("a1B2c3D4e5F6g7H8", "x-api-key")).toEqual(["api_key a1B2c3D4e5F6g7H8"]);
    expect(found("a1B2c3D4e5F6g7H8", "nextPageToken")).toEqual([]);
    expect(found("a1B2c3D4e5F6g7H8", "key")).toEqual([]);
  });

  it("reads a bigint as its digits", () => {
    expect(detect("4111111111111111n").findings).toEqual([{ id: "payment_card", start: 0, end: 16 }]);
  });

  it("says that it read no more than the beginning of a long text", () => {
    const email = "bob@example.com ";
    const long = email + " ".repeat(TEXT_LENGTH_MAX - email.length);
    expect(detect(long)).toEqual({ findings: [{ id: "email", start: 0, end: 15 }], exceeded: false });
    expect(detect(` ${long}`)).toEqual({ findings: [{ id: "email", start: 1, end: 16 }], exceeded: true });
    expect(detect(`${" ".repeat(TEXT_LENGTH_MAX)}${email}`)).toEqual({ findings: [], exceeded: true });
  });

  it("finds a value of any length to its end", () => {
    const key = `a1B2c3D4e5F6g7H8${"i9J0k1L2m3N4o5P6".repeat(100)}`;
    expect(maskText(`api_key="${key}";`, detect(`api_key="${key}";`).findings)).toBe('api_key="[redacted:api_key]";');
    expect(maskText(`token=${key}, x`, detect(`token=${key}, x`).findings)).toBe("token=[redacted:access_token], x");
    const url = `https://example.com/${"a/".repeat(5_000)}`;
    expect(maskText(`see ${url} there`, detect(`see ${url} there`).findings)).toBe("see [redacted:url] there");
  });
});

describe("maskText", () => {
  it("writes the detector's id, or what it is given", () => {
    const text = "bob@example.com, eve@example.com";
    const { findings } = detect(text);
    expect(maskText(text, findings)).toBe("[redacted:email], [redacted:email]");
    expect(maskText(text, findings, (id, matched) => `<${id} ${matched.length}>`)).toBe("<email 15>, <email 15>");
    expect(maskText(text, [])).toBe(text);
  });
});
