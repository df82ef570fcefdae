/**
 * Topics on gossipsub: each message is judged before it is passed on, and whoever hands on what breaks a rule is reported.
 * Knows nothing of what topics are for.
 */
import { type GossipSub, TopicValidatorResult } from '@libp2p/gossipsub';
import type { Log } from '../log.ts';
import type { Severity, Topic, TopicSpec } from './node.ts';

export interface TopicParts {
  readonly gossip: GossipSub;
  readonly log: Log;
  report(peerId: string, severity: Severity, why: string): void;
}

/** @returns what subscribes */
export function topicsOn({ gossip, log, report }: TopicParts): (topic: TopicSpec) => Topic {
  const specs = new Map<string, TopicSpec>();

  gossip.addEventListener('gossipsub:message', ({ detail: { msg } }) => {
    const spec = specs.get(msg.topic);
    if (spec === undefined || msg.type !== 'signed') return;
    try {
      spec.receive(msg.data, msg.from.toString());
    } catch (cause) {
      log.error({ cause, topic: msg.topic }, 'a message of a topic could not be taken in');
    }
  });

  return (spec) => {
    const { name, maxBytes } = spec;
    if (specs.has(name)) throw new Error(`the topic ${name} is in use`);
    specs.set(name, spec);
    gossip.topicValidators.set(name, (from, message) => {
      const author = message.type === 'signed' ? message.from.toString() : undefined;
      const verdict =
        author === undefined || message.data.length > maxBytes ? 'breach' : spec.judge(message.data, author);
      if (verdict === 'breach') report(from.toString(), 'breach', `a message on ${name} that breaks its rules`);
      if (verdict === 'accept') return TopicValidatorResult.Accept;
      return verdict === 'ignore' ? TopicValidatorResult.Ignore : TopicValidatorResult.Reject;
    });
    gossip.subscribe(name);
    return {
      publish: async (data) => (await gossip.publish(name, data)).recipients.length,
      leave() {
        specs.delete(name);
        gossip.topicValidators.delete(name);
        gossip.unsubscribe(name);
      },
    };
  };
}
