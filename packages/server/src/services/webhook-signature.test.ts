import { describe, expect, it } from "vitest";
import { newWebhookSecret, signedHeaders, verifyWebhook } from "./webhook-signature.ts";

// The example that the Standard Webhooks scheme publishes.
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW = 1_614_265_330;
const MESSAGE = {
  messageId: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestampSeconds: NOW,
  body: '{"test": 2432232314}',
};
const SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

function request(changes: Readonly<Record<string, string>> = {}, body = MESSAGE.body) {
  return { headers: new Headers({ ...signedHeaders(MESSAGE, [SECRET]), ...changes }), body };
}

const verify = (given: Parameters<typeof verifyWebhook>[0], secret = SECRET, nowSeconds = NOW) =>
  verifyWebhook(given, { secret, nowSeconds });

describe("the signature of a webhook", () => {
  it("is the one that the scheme publishes", () => {
    expect(signedHeaders(MESSAGE, [SECRET])).toEqual({
      "webhook-id": MESSAGE.messageId,
      "webhook-timestamp": "1614265330",
      "webhook-signature": SIGNATURE,
    });
    expect(verify(request())).toBe(true);
  });

  it("is there once for each secret, and either will do", () => {
    const other = newWebhookSecret();
    expect(other).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const headers = new Headers(signedHeaders(MESSAGE, [other, SECRET]));
    expect(headers.get("webhook-signature")?.split(" ").length).toBe(2);
    const given = { headers, body: MESSAGE.body };
    expect([verify(given), verify(given, other), verify(given, newWebhookSecret())]).toEqual([true, true, false]);
  });

  it.each([
    ["another body", request({}, '{"test":2432232314}')],
    ["another id", request({ "webhook-id": "msg_other" })],
    ["another time", request({ "webhook-timestamp": String(NOW + 1) })],
    ["a time that is none", request({ "webhook-timestamp": "1614265330.0" })],
    ["no signature", request({ "webhook-signature": "" })],
    ["another version", request({ "webhook-signature": SIGNATURE.replace("v1", "v2") })],
    ["a signature of the right length", request({ "webhook-signature": `v1,${Buffer.alloc(32).toString("base64")}` })],
  ])("does not fit %s", (_what, given) => {
    expect(verify(given)).toBe(false);
  });

  it("holds for five minutes", () => {
    const ages = [-301, -300, 300, 301];
    expect(ages.map((age) => verify(request(), SECRET, NOW + age))).toEqual([false, true, true, false]);
  });
});
