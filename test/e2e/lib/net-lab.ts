/**
 * A network of its own for one test: hosts and bridges in namespaces of this machine, cut and joined at will. Needs root and
 * iproute2; says so where they are not there, because a test that quietly does nothing proves nothing.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

export class NetLab {
  private readonly prefix: string;
  private readonly namespaces: string[] = [];

  private constructor() {
    this.prefix = `av${randomBytes(3).toString('hex')}`;
  }

  /** An empty network. @throws Error with the reason when this machine cannot make one */
  static open(): NetLab {
    const lab = new NetLab();
    try {
      lab.make('hub');
    } catch (cause) {
      throw new Error(
        'These tests need network namespaces, and this machine does not allow them: they need root (or CAP_SYS_ADMIN and ' +
          'CAP_NET_ADMIN) and the program "ip" of iproute2. In a container: docker run --privileged.',
        { cause },
      );
    }
    return lab;
  }

  /** A bridge that hosts can be joined to. At most 8 characters. */
  network(name: string): void {
    this.ip('-n', this.inside('hub'), 'link', 'add', name, 'type', 'bridge');
    this.ip('-n', this.inside('hub'), 'link', 'set', name, 'up');
  }

  /** A host with nothing but its own loopback. */
  host(name: string): void {
    this.make(name);
    this.ip('-n', this.inside(name), 'link', 'set', 'lo', 'up');
  }

  /** A host without any interface up. */
  darkHost(name: string): void {
    this.make(name);
  }

  /** Gives a host an interface on a network. @param address such as `10.1.0.2/24` */
  join(host: string, network: string, address: string): void {
    const [hub, inside] = [this.inside('hub'), this.inside(host)];
    const near = `${network}-if`;
    this.ip('-n', hub, 'link', 'add', port(host, network), 'type', 'veth', 'peer', 'name', near, 'netns', inside);
    this.ip('-n', hub, 'link', 'set', port(host, network), 'master', network, 'up');
    this.ip('-n', inside, 'addr', 'add', address, 'dev', near);
    this.ip('-n', inside, 'link', 'set', near, 'up');
    // Multicast leaves by the first network that a host was joined to.
    this.try('-n', inside, 'route', 'add', '224.0.0.0/4', 'dev', near);
  }

  /** Isolated hosts reach no other isolated host of the network; nothing tells their programs. */
  isolate(host: string, network: string, isIsolated: boolean): void {
    const state = isIsolated ? 'on' : 'off';
    this.ip('-n', this.inside('hub'), 'link', 'set', port(host, network), 'type', 'bridge_slave', 'isolated', state);
  }

  /** Pulls a host's cable, or puts it back. */
  cable(host: string, network: string, state: 'up' | 'down'): void {
    this.ip('-n', this.inside('hub'), 'link', 'set', port(host, network), state);
  }

  /** What runs a program on a host: put it before the program. */
  on(host: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.inside(host)];
  }

  /** Removes all of it; the programs in it have to be ended before. */
  close(): void {
    for (const namespace of this.namespaces.reverse()) this.try('netns', 'del', namespace);
  }

  private make(name: string): void {
    this.ip('netns', 'add', this.inside(name));
    this.namespaces.push(this.inside(name));
  }

  private inside(name: string): string {
    return `${this.prefix}-${name}`;
  }

  private ip(...args: string[]): void {
    execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  private try(...args: string[]): void {
    try {
      this.ip(...args);
    } catch {
      // Already so, or already gone.
    }
  }
}

/** At most 15 characters, as the kernel wants. */
function port(host: string, network: string): string {
  return `${network}.${host}`.slice(0, 15);
}
