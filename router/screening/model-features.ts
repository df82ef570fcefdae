/** What in a text is aimed at a model that reads it: orders, in words or in the marks of a chat (S2). */
import { type Feature, weights } from './feature.ts';

/** Aimed at a model that reads it. */
const orders = (value: number, prose: number, code: number) => ({
  ...weights(value, prose, code),
  literal: Math.min(prose, 0.75),
});

export const MODEL_FEATURES: readonly Feature[] = [
  {
    name: 'overrides-instructions',
    weights: orders(0.9, 0.85, 0.6),
    needs: [
      'ignore',
      'disregard',
      'forget',
      'override',
      'bypass',
      'drop',
      'discard',
      'stop following',
      'not follow',
      "don't follow",
    ],
    pattern:
      /(?:^|[.!?:;,>\]\n*#-]|\b(?:please|now|and|then|must|should|you|just))\s*(?:ignore|disregard|forget|override|bypass|drop|discard|stop following|do not follow|don't follow)\s+(?:(?:all|any|every|everything|the|of|your|my|these|those|you|were|been|that|what)\s+){0,5}(?:(?:previous|prior|above|earlier|preceding|existing|original|initial|current|system|safety|former|past|other|developer)\s+)?(?:\w+\s+)?(?:instructions?|prompts?|rules|guidelines?|directives?|directions|polic(?:y|ies)|told|training|context|restrictions)\b/,
  },
  {
    name: 'changes-role',
    weights: orders(0.6, 0.55, 0.4),
    needs: [
      'you are n',
      'from now on',
      'act as',
      'pretend ',
      ' mode',
      'jailbr',
      'do anything now',
      'unrestricted',
      'no restrictions',
      'no limitations',
      'no filters',
    ],
    pattern:
      /\byou are (?:now|no longer)\b|from now on,? you|\bact as (?:an? )?(?:unrestricted|admin|root|dan\b|system|evil)|pretend (?:to be|you|that)|(?:developer|debug|god|admin|dan|maintenance|sudo) mode\b|jailbr(?:eak|oken)|do anything now|\bunrestricted (?:ai|model|assistant)|no (?:restrictions|limitations|filters) (?:apply|anymore)/,
  },
  {
    name: 'asks-for-secrets',
    weights: orders(0.62, 0.6, 0.4),
    needs: [
      'system prompt',
      'instructions',
      'api key',
      'apikey',
      'api_key',
      'api-key',
      'password',
      'secret',
      'credential',
      'access token',
      'private key',
      'environment variable',
      '.env',
      'conversation history',
      'conversation so far',
      'chat history',
    ],
    pattern:
      /(?:reveal|print|repeat|output|show|display|dump|leak|exfiltrate|send|post|upload|forward|e-?mail|give|tell|list|return|include|read|paste|attach|transmit)\b[^.\n]{0,60}\b(?:your |the |all |any |every |its |hidden |initial )*(?:system prompt|(?:system |hidden |initial |developer )instructions|api[ _-]?keys?|passwords?|secrets?|credentials?|access tokens?|private keys?|environment variables|\.env\b|conversation (?:history|so far)|chat history)/,
  },
  {
    name: 'sends-elsewhere',
    weights: orders(0.4, 0.45, 0.3),
    needs: ['http', '@', 'webhook', 'attacker'],
    pattern:
      /(?:send|post|upload|forward|exfiltrate|e-?mail|mail|bcc|leak|transmit|submit|copy|deliver)\b[^.\n]{0,80}(?:\bto\b|\bat\b|\bvia\b)[^\n]{0,30}(?:https?:\/\/|[\w.+-]+@[\w-]+\.|webhook|attacker)/,
  },
  {
    name: 'asks-for-secrecy',
    weights: orders(0.5, 0.5, 0.4),
    needs: [
      'do not',
      "don't",
      'never',
      'without',
      'silently',
      'secretly',
      'covertly',
      'say nothing',
      'must not',
      'should not',
      'may not',
    ],
    pattern:
      /(?:do not|don't|never|without)\s+(?:\w+\s+)?(?:tell(?:ing)?|mention(?:ing)?|inform(?:ing)?|notify(?:ing)?|alert(?:ing)?|reveal(?:ing)?|ask(?:ing)?)\b[^.\n]{0,30}\b(?:the )?(?:user|human|anyone|owner|operator)|(?:silently|secretly|covertly)\s+\w+|say nothing\b|(?:user|human) (?:must|should|may) (?:not|never) (?:know|see|notice)/,
  },
  {
    name: 'chat-markup',
    weights: orders(0.88, 0.75, 0.55),
    needs: [
      '<|',
      '[inst',
      '<<sys',
      '### ',
      '</',
      '<system',
      '<important',
      'assistant:',
      'system:',
      '[system',
      '[/inst',
      '<instruction',
      '"role"',
    ],
    pattern:
      /<\|(?:im_start|im_end|system|user|assistant|endoftext|end_of_turn|start_header_id)\|?>|\[\/?inst\]|<<\/?sys>>|(?:^|\n)[ \t]*(?:###|---|===)?[ \t]*(?:system|assistant|new instructions?|end of (?:document|input|context))\s*(?:prompt|message|note|override)?\s*:|<\/?(?:system|important|instructions?|admin|tool_result|user_input|document|context)>\s|\[system\b[^\]]{0,40}\]|\bbegin (?:new|admin|system) (?:prompt|session|instructions)/,
  },
  {
    name: 'destructive-order',
    weights: orders(0.5, 0.45, 0.1),
    needs: [
      'delete ',
      'wipe ',
      'erase ',
      'transfer ',
      'drop ',
      'approve ',
      'grant ',
      'disable ',
      'execute ',
      'run ',
      'call ',
      'invoke ',
    ],
    pattern:
      /(?:^|[.!,:;\n]|\band|\bthen|\binstead|\bmust|\bnow|\bimmediately)\s*,?\s*(?:please\s+)?(?:delete|wipe|erase|transfer|drop|approve|grant|disable|execute|run|call|invoke)\s+(?:all|every|the|any|this|these|my|your|me|full|root|admin|following)\b[^.\n]{0,60}(?:files?|tables?|records?|data|users?|backups?|money|funds|tokens?|access|rights|commands?|tools?|functions?|audit|logs?|security|permissions?|proposals?|requests?|votes?)/,
  },
];
