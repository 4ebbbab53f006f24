import { BlockList, isIP, isIPv6 } from "node:net";
import { HandlebarError } from "@handlebar/protocol";

/** Networks of IPv4 that are no public hosts: this host, private, shared, link-local (with the metadata of clouds), test, multicast and reserved ones. */
const CLOSED_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];

/** Public addresses of IPv6 are these, but for what is tunnelled (an address of IPv4 stands within it), for documents or for protocols. */
const OPEN_V6 = ["2000::/3"];
const CLOSED_V6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

/** Says which addresses requests may go to: public ones, and those of networks that the configuration names. */
export class AddressGuard {
  readonly #closed: BlockList = listOf([...CLOSED_V4, ...CLOSED_V6]);
  readonly #open: BlockList = listOf(OPEN_V6);
  readonly #allowed: BlockList;

  /** @throws HandlebarError `HB_CONFIG_INVALID` where a network is none. */
  constructor(allowedNetworks: readonly string[]) {
    this.#allowed = listOf(allowedNetworks);
  }

  /** Whether requests may go to an address. */
  isOpen(address: string): boolean {
    if (this.isAllowed(address)) return true;
    if (isIPv6(address)) return has(this.#open, address) && !has(this.#closed, address);
    return isIP(address) === 4 && !has(this.#closed, address);
  }

  /** Whether the configuration names a network that the address is in. */
  isAllowed(address: string): boolean {
    return isIP(address) !== 0 && has(this.#allowed, address);
  }
}

function has(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits = ""] = network.split("/");
    const family = isIP(address);
    const isNetwork = /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32);
    if (family === 0 || !isNetwork) {
      const message = `\`${network}\` is not a network; give addresses such as \`10.0.0.0/8\` or \`fd00::/8\`, with commas between them`;
      throw new HandlebarError("HB_CONFIG_INVALID", message, { field: "webhookAllowedNetworks" });
    }
    list.addSubnet(address, Number(bits), family === 6 ? "ipv6" : "ipv4");
  }
  return list;
}
