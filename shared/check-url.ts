/**
 * Decides whether we may connect to a URL that did not come from its owner's own file (registered at run time, a webhook, named
 * by another server), and pins the addresses that were checked, so that a name that resolves otherwise later does not help.
 * https://modelcontextprotocol.io/specification/draft/basic/security_best_practices, "Server-Side Request Forgery".
 */
import dns from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { AppError } from './errors.ts';

export interface CheckOptions {
  /** Allows loopback and private networks. Link-local addresses (cloud metadata) stay refused. */
  readonly allowPrivate?: boolean;
  /** How names are resolved; the system's way by default. */
  readonly resolve?: (host: string) => Promise<readonly Address[]>;
}

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface CheckedUrl {
  readonly url: URL;
  /** Answers with the addresses that were checked, whatever the name resolves to by then. */
  readonly lookup: LookupFunction;
}

/** Never connected to: this host, link-local (169.254.169.254), multicast, reserved. RFC 6890, RFC 5735. */
const NEVER_V4 = blockList(
  'ipv4',
  '0.0.0.0/8 169.254.0.0/16 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
);
const PRIVATE_V4 = blockList('ipv4', '10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 172.16.0.0/12 192.168.0.0/16 198.18.0.0/15');
/** Global unicast; anything else is special. */
const GLOBAL_V6 = blockList('ipv6', '2000::/3');
/** Special within it: protocol assignments with Teredo, documentation, 6to4 (holds an IPv4 address). */
const NEVER_V6 = blockList('ipv6', '2001::/23 2001:db8::/32 2002::/16 3fff::/20');
const PRIVATE_V6 = blockList('ipv6', '::1/128 fc00::/7');

/**
 * @throws AppError SECURITY_VIOLATION when the URL is not allowed, CONNECTION_FAILED when its name does not resolve
 */
export async function checkUrl(text: string, options: CheckOptions = {}): Promise<CheckedUrl> {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw refused('it is no http or https URL');
  if (url.username !== '' || url.password !== '') throw refused('it holds a user name or password');
  const allowPrivate = options.allowPrivate ?? false;
  // URL has turned 0177.0.0.1 and 2130706433 into 127.0.0.1, and upper case and Unicode into one spelling.
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname.replace(/\.$/, '');
  if (!allowPrivate && (host === 'localhost' || host.endsWith('.localhost'))) throw refused('it names this host');
  const family = isIP(host);
  const addresses =
    family === 0
      ? await resolveName(host, options.resolve ?? systemResolve)
      : [{ address: host, family: family === 4 ? 4 : 6 } as const];
  for (const { address } of addresses) {
    const why = whyRefused(address, allowPrivate);
    if (why !== undefined) throw refused(why);
  }
  return { url, lookup: pinned(addresses) };
}

/** Why an address must not be connected to. */
function whyRefused(address: string, allowPrivate: boolean): string | undefined {
  const privately = allowPrivate ? undefined : 'its address is private';
  if (isIP(address) === 4) {
    if (NEVER_V4.check(address, 'ipv4')) return 'its address is link-local, reserved or no host';
    return PRIVATE_V4.check(address, 'ipv4') ? privately : undefined;
  }
  if (isIP(address) !== 6 || address.includes('%')) return 'its address is not readable';
  const mapped = mappedIpv4(address);
  if (mapped !== undefined) return whyRefused(mapped, allowPrivate);
  if (PRIVATE_V6.check(address, 'ipv6')) return privately;
  if (!GLOBAL_V6.check(address, 'ipv6') || NEVER_V6.check(address, 'ipv6'))
    return 'its address is link-local, reserved or no host';
  return undefined;
}

/** The IPv4 address in ::ffff:0:0/96, which a socket would connect to. */
function mappedIpv4(address: string): string | undefined {
  const canonical = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) ?? '';
  const match = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (match === null) return undefined;
  const [high, low] = [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

async function resolveName(
  host: string,
  resolve: (host: string) => Promise<readonly Address[]>,
): Promise<readonly Address[]> {
  let addresses: readonly Address[];
  try {
    addresses = await resolve(host);
  } catch (cause) {
    throw new AppError('CONNECTION_FAILED', { text: 'The name in the URL of the server does not resolve', cause });
  }
  if (addresses.length === 0) {
    throw new AppError('CONNECTION_FAILED', { text: 'The name in the URL of the server resolves to no address' });
  }
  return addresses;
}

async function systemResolve(host: string): Promise<Address[]> {
  const found = await dns.lookup(host, { all: true });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}

function pinned(addresses: readonly Address[]): LookupFunction {
  return (_host, options, done) => {
    const wanted =
      options.family === 6 || options.family === 'IPv6' ? 6 : options.family === 4 || options.family === 'IPv4' ? 4 : 0;
    const usable = addresses.filter(({ family }) => wanted === 0 || family === wanted);
    const first = usable[0];
    if (first === undefined)
      done(Object.assign(new Error('no checked address of that family'), { code: 'ENOTFOUND' }), []);
    else if (options.all === true) done(null, [...usable]);
    else done(null, first.address, first.family);
  };
}

function blockList(family: 'ipv4' | 'ipv6', subnets: string): BlockList {
  const list = new BlockList();
  for (const subnet of subnets.split(' ')) {
    const [network = '', prefix] = subnet.split('/');
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}

function refused(why: string): AppError {
  return new AppError('SECURITY_VIOLATION', {
    text: `The URL of the server is refused: ${why}; expected a public http or https address, or one that the owner allows`,
  });
}
