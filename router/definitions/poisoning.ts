/**
 * Looks for what a definition says to a model behind its reader's back: hidden orders, invisible characters, packed texts (S5). The
 * same text gives the same findings. Pure; what follows from a finding is not decided here.
 */

export interface Finding {
  /** Such as `invisible-characters`. */
  readonly kind: string;
  /** Where in the definition, such as `inputSchema.properties.path.description`. */
  readonly where: string;
}

/** Longer texts are looked at in their first and last parts only. */
const MAX_TEXT = 50_000;
const MAX_FINDINGS = 50;
const MAX_DEPTH = 64;
/** Characters of one definition; no honest one has so many. */
const MAX_TOTAL = 150_000;

/** Every text of a definition, keys included, is looked at. `value` is parsed JSON. */
export function scanDefinition(value: unknown): Finding[] {
  const found = new Map<string, Finding>();
  let total = 0;
  const visit = (item: unknown, where: string, depth: number): void => {
    if (found.size >= MAX_FINDINGS) return;
    if (depth > MAX_DEPTH || total > MAX_TOTAL) {
      found.set('too-large', { kind: 'too-large-to-check', where });
      return;
    }
    if (typeof item === 'string') {
      total += item.length;
      for (const kind of scanText(item)) found.set(`${kind} ${where}`, { kind, where });
    } else if (Array.isArray(item)) {
      for (const [i, each] of item.entries()) visit(each, `${where}[${i}]`, depth + 1);
    } else if (typeof item === 'object' && item !== null) {
      for (const [key, each] of Object.entries(item)) {
        const safeKey = key.replace(/[^\w$-]/g, '?').slice(0, 80);
        for (const kind of scanText(key))
          found.set(`${kind} ${where}.${safeKey}`, { kind, where: `${where}.${safeKey}` });
        visit(each, where === '' ? safeKey : `${where}.${safeKey}`, depth + 1);
      }
    }
  };
  visit(value, '', 0);
  return [...found.values()];
}

/** The kinds of what is in one text; none for a harmless one. */
export function scanText(text: string): string[] {
  const part = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT / 2)}\n${text.slice(-MAX_TEXT / 2)}` : text;
  const looked = PRINTABLE.test(part) ? CHARACTERS.filter(({ isPrintable }) => isPrintable) : CHARACTERS;
  const kinds = looked.filter(({ found }) => found(part)).map(({ kind }) => kind);
  const plain = plainOf(part);
  // Names and single words give no orders.
  if (plain.length < 8 || !plain.includes(' ')) return kinds;
  for (const { kind, pattern } of ORDERS) if (pattern.test(plain)) kinds.push(kind);
  let score = 0;
  for (const { weight, pattern } of HINTS) if (pattern.test(plain)) score += weight;
  if (score >= 1) kinds.push('order-to-the-model');
  return kinds;
}

/** As a model reads it: one form of each letter, nothing invisible, one space between words. */
function plainOf(text: string): string {
  return text
    .normalize('NFKC')
    .slice(0, 2 * MAX_TEXT)
    .replace(INVISIBLE, '')
    .replace(/[\s_*`"'“”’]+/g, ' ')
    .toLowerCase();
}

/** Nothing to see: formats, selectors of variants, fillers. */
const INVISIBLE = /\p{Cf}|\p{Variation_Selector}|[\u3164\u115F\u1160\u2800]/gu;
const TAG_CHARACTERS = /[\u{E0001}\u{E0020}-\u{E007F}]/u;
/** Flags of regions are the one use of tag characters (UTS 51). */
const FLAGS = /\u{1F3F4}[\u{E0061}-\u{E007A}\u{E0030}-\u{E0039}]{2,6}\u{E007F}/gu;
const ZERO_WIDTH = /[\u200B\u2060-\u2064\u180E\u3164\u115F\u1160\u2800]|(?<!^)\uFEFF/u;
/** Joiners belong between letters of scripts that join, and between pictures. */
const LONE_JOINER =
  /(?<!\p{Extended_Pictographic}|\uFE0F|\p{Emoji_Modifier}|[\u0600-\u0DFF])[\u200C\u200D]|[\u200C\u200D](?=[\x20-\x7e])/u;
const VARIATIONS = /[\uFE00-\uFE0F\u{E0100}-\u{E01EF}]{2}|[\u{E0100}-\u{E01EF}]/u;
const OVERRIDES = /[\u202A-\u202E\u2066-\u2069]/;
const MARKS = /[\u200E\u200F\u061C]/;
const RIGHT_TO_LEFT = /[\u0590-\u08FF]/;
const CONTROLS = /(?![\t\n\r])\p{Cc}/u;
const ESCAPED_ANSI = /\\(?:x1b|u001b|033|e)\[[0-9;]*[a-z]/i;
const HIDDEN_BY_SPACE = /(?<![^\S\n])[^\S\n]{80,}\S|(?:\n[ \t\r]*){16}\S/;
const MIXED_SCRIPTS = /[a-z]\p{Script=Cyrillic}|\p{Script=Cyrillic}[a-z]|[a-z][Ͱ-Ͽ][a-z]/iu;
const BASE64_RUN = /[A-Za-z0-9+/_-]{60,}={0,2}/g;
const HEX_RUN = /(?<![0-9a-f])(?:[0-9a-f]{2}){40,}(?![0-9a-f])/gi;

/** Most texts: nothing but ASCII that can be seen. */
const PRINTABLE = /^[\x20-\x7e\n\t\r]*$/;

interface Characters {
  readonly kind: string;
  readonly found: (text: string) => boolean;
  /** It can be made of printable ASCII. */
  readonly isPrintable?: true;
}

const CHARACTERS: readonly Characters[] = [
  { kind: 'tag-characters', found: (text) => TAG_CHARACTERS.test(text.replace(FLAGS, '')) },
  {
    kind: 'invisible-characters',
    found: (text) => ZERO_WIDTH.test(text) || LONE_JOINER.test(text) || (text.match(/\u00AD/g)?.length ?? 0) > 2,
  },
  { kind: 'variation-selectors', found: (text) => VARIATIONS.test(text) },
  {
    kind: 'direction-overrides',
    found: (text) => OVERRIDES.test(text) || (MARKS.test(text) && !RIGHT_TO_LEFT.test(text)),
  },
  {
    kind: 'control-characters',
    isPrintable: true,
    found: (text) => CONTROLS.test(text) || ESCAPED_ANSI.test(text),
  },
  { kind: 'html-comment', isPrintable: true, found: (text) => /<!--/.test(text) },
  { kind: 'hidden-by-space', isPrintable: true, found: (text) => HIDDEN_BY_SPACE.test(text) },
  { kind: 'mixed-scripts', found: (text) => MIXED_SCRIPTS.test(text) },
  { kind: 'packed-text', isPrintable: true, found: packed },
];

/** Runs of base64 or hex that are no words, no path and no digest or key in an example: text when unpacked, or very long. */
function packed(text: string): boolean {
  for (const [run] of text.matchAll(BASE64_RUN)) {
    if (!/[a-z]/.test(run) || !/[A-Z]/.test(run) || !/[0-9+/=]/.test(run)) continue;
    if (run.length >= 200 || isText(Buffer.from(run, 'base64'))) return true;
  }
  for (const [run] of text.matchAll(HEX_RUN)) {
    if (run.length >= 300 || isText(Buffer.from(run, 'hex'))) return true;
  }
  return false;
}

function isText(bytes: Buffer): boolean {
  const readable = bytes.reduce((sum, byte) => sum + (byte >= 0x20 && byte < 0x7f ? 1 : 0), 0);
  return readable / bytes.length > 0.9;
}

interface Pattern {
  readonly kind: string;
  readonly pattern: RegExp;
}

/** One that sits before the model; of `users` servers speak who mean their own. */
const ONE =
  '(?:the |your |any |their )?(?:user|human|anyone|anybody|person|people|operator|developer)s?(?<!users)(?![a-z])';
const WHOM =
  '(?:the |your |any |their )?(?:users?|humans?|anyone|anybody|person|people|operators?|developers?|admins?)';

/** Each of these is enough: no honest definition needs it. */
const ORDERS: readonly Pattern[] = [
  {
    kind: 'overrides-instructions',
    pattern:
      /(?:ignore|disregard|forget|override|bypass) (?:all |any |every |the |your |of |these |those )*(?:previous|prior|above|earlier|preceding|existing|original|system|safety|other) (?:\w+ )?(?:instructions?|prompts?|rules?|guidelines?|directives?|polic(?:y|ies)|context)/,
  },
  {
    kind: 'asks-for-secrecy',
    pattern: new RegExp(
      `(?:do not|don t|never|must not|should not|avoid|without) (?:\\w+ )?(?:tell(?:ing)?|mention(?:ing)?|inform(?:ing)?|reveal(?:ing)?|notify(?:ing)?|alert(?:ing)?|disclos(?:e|ing)|say(?:ing)?) (?:[\\w ]{0,24} )?(?:to )?${ONE}`,
    ),
  },
  {
    kind: 'asks-for-secrecy',
    pattern: new RegExp(
      `(?:keep|hide|conceal) (?:this|it|that|these|the following)(?: \\w+){0,3} (?:secret|hidden|private|from ${WHOM})|${WHOM} (?:must|should|need|may|will|can) (?:not|never) (?:know|see|learn|notice|be (?:told|informed|aware|shown))|(?:secretly|silently|covertly|quietly) (?:\\w+ )?(?:send|read|include|forward|upload|copy|call|pass|append|attach|add|bcc)`,
    ),
  },
  {
    kind: 'chat-markup',
    pattern:
      /<\/? ?(?:important|system|instructions?|secret|critical|assistant|admin|hidden|override|sys|prompt|tool ?call|function ?calls?|thinking|internal)(?: [^<>]{0,60})?>|\[\/?(?:inst|system|important)\]|<\|(?:im (?:start|end)|system|user|assistant|endoftext)\|>|<<\/?sys>>|(?:^| )(?:###|---) ?(?:system|new instructions?|hidden instructions?|end of (?:tool )?(?:description|documentation))/,
  },
  {
    kind: 'changes-other-tools',
    pattern:
      /(?:instead of|in place of|rather than) (?:using |calling )?(?:any|all|every|the) other tools?|takes? (?:precedence|priority) over (?:all|any|every|the)? ?(?:other |user |system )?(?:tools?|instructions?|messages?)|(?:when(?:ever)?|if|after|before|each time|every time) (?:\w+ ){0,4}(?:other|another|different) (?:tool|server|function)s?(?:[ ,;:]+\w+){0,6}[ ,;:]+(?:must|should|always|need to|change|replace|redirect|set|add|append|bcc)/,
  },
  {
    kind: 'changes-role',
    pattern:
      /(?:you are (?:now|no longer|actually)|from now on you|act as (?:if you (?:are|were)|an? (?:unrestricted|jailbroken|root|admin))|pretend (?:to be|that you)|developer mode (?:is )?(?:on|enabled)|do anything now|jailbreak)/,
  },
];

interface Hint {
  readonly weight: number;
  readonly pattern: RegExp;
}

/** None of these is enough; together they are an order to take something and bring it somewhere. */
const HINTS: readonly Hint[] = [
  {
    weight: 0.6,
    pattern:
      /(?:do not|don t|never) (?:tell|inform|mention|notify|alert|reveal|show) (?:[\w ]{0,24} )?(?:to )?(?:the |your )?users?/,
  },
  {
    weight: 0.5,
    pattern:
      /~ ?\/ ?\.(?:ssh|aws|config|cursor|gnupg|kube|netrc|npmrc|docker)|id (?:rsa|ed25519|ecdsa)|\.env\b|\/etc\/(?:passwd|shadow)|mcp\.json|claude desktop config|\.pem\b|authorized keys|private key|credentials? file|environment variables|browser (?:cookies|history)|keychain|seed phrase/,
  },
  {
    weight: 0.35,
    pattern:
      /(?:all|every|any|full|entire|whole) (?:of )?(?:the |your )?(?:conversation|chat|message|prompt|dialog(?:ue)?|system prompt|api keys?|passwords?|secrets?|tokens?)(?: history)?|conversation (?:so far|history)|system prompt|previous messages/,
  },
  {
    weight: 0.35,
    pattern:
      /(?:read|open|load|cat|fetch|collect|gather|retrieve|get|access|copy|dump|list) (?:\w+ ){0,4}(?:contents?|files?|keys?|secrets?|credentials?|passwords?|tokens?|history|it|~|\/|\.env|id )/,
  },
  {
    weight: 0.4,
    pattern:
      /(?:pass|include|put|add|append|place|insert|provide|attach|encode|paste|write|copy|send|store) (?:\w+ ){0,7}(?:as|in|into|to|via|through|within) (?:\w+ ){0,4}(?:sidenote|side note|note|notes|context|metadata|feedback|summary|parameter|argument|field|debug)\b/,
  },
  {
    weight: 0.5,
    pattern:
      /(?:send|post|upload|forward|exfiltrate|transmit|leak|email|mail|bcc|report|submit|deliver) (?:\w+ ){0,8}(?:to )?(?:https?:|www\.|ftp:|[\w.+-]+@[\w-]+\.|(?:an? )?(?:external|remote|attacker|our|my) (?:server|url|address|endpoint|host))/,
  },
  {
    weight: 0.5,
    pattern:
      /(?:before|prior to|after|when|each time) (?:you )?(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|run(?:ning)?|execut(?:e|ing)) (?:this|any|the|every|each|other|another) (?:other )?(?:tool|function|one)s?,? (?:you |first |the (?:model|assistant|agent) )?(?:must|first|always|have to|need to|should|read|open|call|run|execute|fetch|send)/,
  },
  {
    weight: 0.3,
    pattern:
      /(?:the )?(?:ai|llm|language model|model|assistant|agent|claude|chatgpt|gpt|copilot|cursor)(?: \w+)? (?:must|should|shall|has to|needs to|will|always)|(?:you|assistant) (?:must|have to|shall|are required to|need to) (?:always|first|also|never|immediately)?/,
  },
  {
    weight: 0.35,
    pattern:
      /(?:otherwise|or else|if you (?:do not|don t)|failure to)(?: \w+){0,8} (?:not work|fail|error|crash|lost?|deleted?|broken|terminated|penalt|blocked|stop working)/,
  },
  {
    weight: 0.35,
    pattern:
      /(?:execute|run|invoke|call) (?:\w+ ){0,4}(?:curl|wget|bash|sh -c|powershell|rm -rf|nc |eval|base64 -d)|curl (?:-\w+ )*https?:|\| ?(?:bash|sh)\b|rm -rf/,
  },
  {
    weight: 0.4,
    pattern:
      /(?:no|without|skip|need not|never ask for|do not ask for|don t ask for|bypass) (?:\w+ ){0,3}(?:confirmation|approval|permission|consent|verification|review)/,
  },
];
