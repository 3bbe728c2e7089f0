import ipaddr from 'ipaddr.js';
import { lruCache } from '../lru-cache.js';

/** `203.0.113.7:1234`, `[2001:db8::1]:1234`: some proxies add the client's port, which differs per connection. */
const WITH_PORT = /^(?:(\d+\.\d+\.\d+\.\d+):\d+|\[([^\]]+)\](?::\d+)?)$/;

/**
 * The key under which the limits of an address are counted. IPv4-mapped IPv6 becomes IPv4.
 * IPv6 is reduced to its /64, because providers assign a whole /64 to one household or server. NAT64 is not: there the
 * last bits are the client's IPv4 address, and all clients of a gateway share one /64.
 */
export function addressBucket(stated: string): string {
  let bucket = buckets.get(stated);
  if (bucket === undefined) {
    bucket = computeBucket(stated);
    buckets.set(stated, bucket);
  }
  return bucket;
}

const NAT64 = ['64:ff9b::/96', '64:ff9b:1::/48'].map((range) => ipaddr.IPv6.parseCIDR(range));

const buckets = lruCache<string, string>(10_000);

function computeBucket(stated: string): string {
  const [, ipv4, ipv6] = WITH_PORT.exec(stated) ?? [];
  const address = ipv4 ?? ipv6 ?? stated;
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  if (NAT64.some((range) => parsed.match(range))) return parsed.toString();
  const network = ipaddr.IPv6.networkAddressFromCIDR(`${(parsed as ipaddr.IPv6).toNormalizedString()}/64`);
  return `${network.toString()}/64`;
}
