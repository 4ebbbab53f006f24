import { describe, expect, it } from "vitest";
import { AddressGuard } from "./address-guard.ts";

const guard = new AddressGuard([]);

describe("addresses that requests may go to", () => {
  it.each(["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "192.169.0.1", "2606:4700::1111", "2a00:1450::1"])(
    "are public: %s",
    (address) => {
      expect(guard.isOpen(address)).toBe(true);
    },
  );

  it.each([
    "0.0.0.0",
    "10.255.255.255",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "localhost",
    "",
  ])("are not within: %s", (address) => {
    expect(guard.isOpen(address)).toBe(false);
  });

  it("are those too that the configuration names, and no others", () => {
    const some = new AddressGuard(["10.1.0.0/16", "fd00::/8", "127.0.0.1/32"]);
    expect(["10.1.2.3", "fd12::1", "127.0.0.1", "8.8.8.8"].map((address) => some.isOpen(address))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(["10.2.0.1", "fe80::1", "127.0.0.2", "169.254.169.254"].some((address) => some.isOpen(address))).toBe(false);
  });

  it.each(["10.0.0.0", "10.0.0.0/33", "fd00::/129", "example.com/8", "10.0.0.0/x"])(
    "need a network, not %s",
    (text) => {
      expect(() => new AddressGuard([text])).toThrow(/is not a network/);
    },
  );
});
