import type { DetectorId } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { detect } from "./detect.ts";
import { maskText } from "./mask.ts";

/** Texts in which what a detector has to find, and nothing else, stands between « and ». */
const CORPUS: Partial<Record<DetectorId, readonly string[]>> = {
  ip_address: [
    "«10.0.0.1», «192.168.1.254» and «255.255.255.255».",
    "http://«203.0.113.7»:8080/path",
    "«10.0.0.0»/8 to «10.0.0.5»-«10.0.0.9»",
    "«2001:db8:85a3:0:0:8a2e:370:7334»",
    "«2001:db8::8a2e:370:7334», «::1», «fe80::1»%eth0",
    "[«2001:db8::1»]:443",
    "«::ffff:192.0.2.128»",
    "«fe80:abcd:abcd:abcd:abcd:abcd:abcd:abcd»",
    "at «2001:db8::1», then",
    "at 2001-db8: «2001:db8::1».",
    "256.1.1.1 and 1.2.3",
    "1.2.3.4.5 has five parts",
    "version 1.2.3.4, v1.2.3.4, section 3.1.4.2",
    "time 12:34:56, ratio 3:4",
    "MAC 00:1B:44:11:3A:B7",
    "std::vector, a::b, dead::beef, Foo::Bar",
    "1:2:3:4:5:6:7:8:9 has nine groups",
    "2001:db8::1::2",
    "10.0.19045.3448",
    "a 01.02.2024 date",
    "empty :: alone",
  ],
  url: [
    "see «https://example.com/a?b=c#d».",
    "(«https://example.com/a_(b)»)",
    "<«http://example.com»>",
    "«ftp://files.example.com/x», «wss://example.com/socket»",
    "«postgres://user@db.example.com:5432/app»",
    "«www.example.com/path», not www. alone",
    "[text](«https://example.com/x»)",
    "«https://[2001:db8::1]:8080/x»",
    "«https://xn--bcher-kva.example/ü»",
    '{"url":"«https://example.com/x»","n":1}',
    "«s3://bucket/key», «file:///etc/passwd»",
    "**«https://example.com/x»**",
    "“«https://example.com/x»”",
    "http:// alone, ://example.com",
    "https is a scheme; example.com a name",
    "a//b and C://",
    "awww.example.com",
    "wwww.example",
  ],
};

const label = (text: string, id: DetectorId): string =>
  maskText(text, detect(text, [id]).findings, (_, found) => `«${found}»`);

for (const [id, texts] of Object.entries(CORPUS) as [DetectorId, readonly string[]][]) {
  describe(id, () => {
    it.each(texts)("%s", (labelled) => {
      expect(label(labelled.replaceAll(/[«»]/g, ""), id)).toBe(labelled);
    });
  });
}
