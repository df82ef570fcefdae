/**
 * Works out what a node listens on: asks the system beforehand, so that a taken port or a missing address becomes a sentence and
 * another free port, not a node that does not start. Remembers free ports from start to start.
 */
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import { z } from 'zod';

export interface ListenPlan {
  /** Multiaddrs that can be had now. */
  readonly addresses: readonly string[];
  /** One sentence for each that could not be had as asked. */
  readonly faults: readonly string[];
}

interface Parts {
  readonly host: string;
  readonly kind: 'tcp' | 'udp';
  readonly port: number;
  /** With another port. */
  readonly at: (port: number) => string;
}

const portsSchema = z.object({ tcp: z.int().min(0).max(65_535), udp: z.int().min(0).max(65_535) });
type Ports = z.output<typeof portsSchema>;

/** Reads `/ip4/HOST/tcp/PORT` and `/ip4/HOST/udp/PORT/quic-v1` (also ip6); undefined for every other address. */
export function listenParts(address: string): Parts | undefined {
  const match = /^\/(ip[46])\/([0-9a-fA-F.:]+)\/(?:(tcp)\/(\d{1,5})|(udp)\/(\d{1,5})\/quic-v1)$/.exec(address);
  if (match === null) return undefined;
  const [, family, host, tcp, tcpPort, , udpPort] = match;
  const port = Number(tcpPort ?? udpPort);
  if (host === undefined || net.isIP(host) !== Number(family?.at(-1)) || port > 65_535) return undefined;
  const kind = tcp === undefined ? 'udp' : 'tcp';
  return {
    host,
    kind,
    port,
    at: (other) => `/${family}/${host}/${kind === 'tcp' ? `tcp/${other}` : `udp/${other}/quic-v1`}`,
  };
}

/** @param wanted addresses that `listenParts` reads @param portsFile where the ports of port 0 are kept */
export async function planListening(wanted: readonly string[], portsFile: string | undefined): Promise<ListenPlan> {
  const remembered = portsFile === undefined ? undefined : readPorts(portsFile);
  const addresses: string[] = [];
  const faults: string[] = [];
  for (const address of wanted) {
    const parts = listenParts(address);
    if (parts === undefined) {
      faults.push(
        `${address} is nothing to listen on; expected /ip4/ADDRESS/tcp/PORT or /ip4/ADDRESS/udp/PORT/quic-v1.`,
      );
      continue;
    }
    const favourite = parts.port === 0 ? (remembered?.[parts.kind] ?? 0) : parts.port;
    const fault = await whyNot(parts, favourite);
    if (fault === undefined) addresses.push(parts.at(favourite));
    else if (fault === 'EADDRINUSE' || fault === 'EACCES') {
      addresses.push(parts.at(0));
      // A port of our own choosing is nobody's promise.
      if (parts.port !== 0) faults.push(sayPort(parts, fault));
    } else {
      faults.push(
        `Nothing listens on ${address} (${fault}): is the network up? Peers cannot dial this node there; it dials them.`,
      );
    }
  }
  return { addresses, faults };
}

function sayPort({ kind, port }: Parts, fault: string): string {
  const why = fault === 'EACCES' ? 'may not be used by this user' : 'is taken by another program';
  return `The ${kind} port ${port} ${why}; another free one is used instead. End that program, or set P2P_LISTEN to another port.`;
}

/** Keeps the ports that were given out, for the next start. */
export function rememberPorts(portsFile: string, listening: readonly string[]): void {
  const portOf = (kind: 'tcp' | 'udp') => {
    const pattern = new RegExp(`/${kind}/(\\d+)`);
    return Number(listening.map((address) => pattern.exec(address)?.[1]).find((port) => port !== undefined) ?? 0);
  };
  const ports: Ports = { tcp: portOf('tcp'), udp: portOf('udp') };
  fs.writeFileSync(portsFile, JSON.stringify(ports), { mode: 0o600 });
}

function readPorts(portsFile: string): Ports | undefined {
  try {
    return portsSchema.parse(JSON.parse(fs.readFileSync(portsFile, 'utf8')));
  } catch {
    // None yet, or not ours: any free port will do.
    return undefined;
  }
}

/** The system's code for why this cannot be listened on; undefined when it can. */
function whyNot({ host, kind }: Parts, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown');
    if (kind === 'tcp') {
      const server = net.createServer();
      server.once('error', failed);
      server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
    } else {
      const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
      socket.once('error', (error) => {
        socket.close();
        failed(error);
      });
      socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve(undefined)));
    }
  });
}
