/**
 * What in a text of a call's arguments looks like an attack, and how much that weighs: the one table of the screening (S2). A weight depends on
 * what the argument is for: a command is honest where commands are taken, and suspicious as a user's name.
 */
import { type Feature, weights } from './feature.ts';
import { MODEL_FEATURES } from './model-features.ts';

const COMMANDS =
  'cat|curl|wget|nc|ncat|netcat|bash|sh|zsh|dash|rm|chmod|chown|python\\d?|perl|ruby|php|node|powershell|pwsh|cmd|whoami|id|uname|hostname|ifconfig|ls|dir|ping|nslookup|dig|telnet|ssh|scp|dd|mkfs|kill|env|printenv|base64|eval|exec|sleep|touch|find|xargs|tee|crontab|useradd|passwd|type|more|head|tail|less|awk|sed|grep|echo|cp|mv|mkfifo|certutil|net user';
const SENSITIVE =
  '(?:etc[\\\\/](?:passwd|shadow|sudoers|hosts|ssh[\\\\/])|\\.ssh[\\\\/](?:id_|authorized_keys)|id_(?:rsa|ed25519|ecdsa)(?![\\w.]*\\.pub)|\\.aws[\\\\/]credentials|\\.kube[\\\\/]config|\\.docker[\\\\/]config|proc[\\\\/](?:self|\\d+)[\\\\/](?:environ|mem|cmdline|maps)|windows[\\\\/](?:win\\.ini|system32)|boot\\.ini|\\.gnupg[\\\\/]|\\.netrc|\\.pgpass|\\.bash_history|wp-config\\.php|web\\.config|sam\\b[\\\\/]?$)';

const MACHINE_FEATURES: readonly Feature[] = [
  {
    name: 'sql-quote-break',
    weights: weights(0.9, 0.6, 0.25),
    needs: ["'", '"', ')', '`'],
    pattern:
      /['"`)]\s*(?:or|and|having|xor|\|\||&&)[\s(+]*(?:not[\s(]+)?['"(]*[\w@]*['"`)]*\s*(?:=|like\b|rlike\b|>|<|!=|is\b|in\s*\(|between\b)/,
  },
  {
    name: 'sql-tautology',
    weights: weights(0.85, 0.5, 0.2),
    needs: ['=', ' true', '<', '>', ' like'],
    pattern:
      /(?:^|[\d'")\s])(?:or|and|\|\|)[\s(]+(?:not[\s(]+)?(?:['"]?(\w{1,20})['"]?\s*(?:=|like)\s*['"]?\1\b|true\b\s*(?:--|#|$)|\d+\s*[<>]\s*\d+)/,
  },
  {
    name: 'sql-stacked',
    weights: weights(0.9, 0.7, 0.3),
    needs: [';'],
    pattern:
      /['")\d\w]\s*;\s*(?:drop\s+(?:table|database|schema|view|user)|delete\s+from|insert\s+into|update\s+\w+\s+set|alter\s+(?:table|user|role)|truncate\s+\w|exec(?:ute)?[\s(]|create\s+(?:table|user|function)|shutdown\b|grant\s+\w|declare\s+@|select\s|copy\s+\w|attach\s+database)/,
  },
  {
    name: 'sql-union',
    weights: weights(0.9, 0.6, 0.1),
    needs: ['union ', 'union(', 'union\n', 'union\t', 'union+'],
    pattern: /\bunion\b[\s(+]+(?:all[\s(+]+|distinct[\s(+]+)?(?:select|values)\b/,
  },
  {
    name: 'sql-subselect',
    weights: weights(0.85, 0.4, 0.1),
    needs: ['(select', '( select', '(\nselect'],
    pattern: /(?:['")\d,=<>]|\|\||\+)\s*(?:\|\||[+,&|])?\s*\(\s*select\b/,
  },
  {
    name: 'sql-comment-tail',
    weights: weights(0.85, 0.3, 0.05),
    needs: ['--', '#', '/*'],
    pattern: /['")]\s*(?:;\s*)?(?:--|#|\/\*)[\s+-]*(?:$|\w{0,10}$)/,
  },
  {
    name: 'sql-probe',
    weights: weights(0.88, 0.4, 0.15),
    needs: [
      'sleep',
      'benchmark',
      'dbms_pipe',
      'load_file',
      'extractvalue',
      'updatexml',
      'randomblob',
      'load_extension',
      'waitfor',
      'xp_cmdshell',
      'information_schema',
      'sqlite_master',
      'pg_catalog',
      'outfile',
      'dumpfile',
      'utl_http',
      'order',
    ],
    pattern:
      /\b(?:sleep|benchmark|pg_sleep|dbms_pipe\.receive_message|load_file|extractvalue|updatexml|randomblob|load_extension)\s*\(|waitfor\s+delay|xp_cmdshell|information_schema|sqlite_master|pg_catalog|into\s+(?:out|dump)file|utl_http|order\s+by\s+\d+\s*(?:--|#)/,
  },
  {
    name: 'nosql-operator',
    weights: weights(0.85, 0.5, 0.1),
    needs: ['$'],
    pattern:
      /["'{\s]\$(?:where|ne|gt|gte|lt|regex|nin|exists|function)["']?\s*:|^\$(?:where|ne|gt|gte|lt|regex|nin|exists|function)$/,
  },
  {
    name: 'shell-substitution',
    weights: weights(0.9, 0.35, 0.1),
    needs: ['$(', '`', '<(', '${'],
    pattern: new RegExp(
      `(?:\\$\\(|\`|[<>]\\()\\s*(?:sudo\\s+)?(?:[\\w/]*/)?(?:${COMMANDS})(?![\\w-])[^)\`]*[)\`]|\\$\\{[a-z_]+[:@#%/^,]`,
    ),
  },
  {
    name: 'shell-chain',
    weights: weights(0.88, 0.3, 0.1),
    needs: [';', '|', '&', '\n', '\r'],
    pattern: new RegExp(
      `(?:;|\\|\\|?|&&?|[\\n\\r])[ \\t]*(?:sudo\\s+)?(?:[\\w.]*[/\\\\][\\w./\\\\]*)?(?:${COMMANDS})(?:\\.exe)?(?=[\\s;|&<>$'"]|$)`,
    ),
  },
  {
    name: 'shell-obfuscated',
    weights: weights(0.85, 0.5, 0.35),
    needs: ['${ifs', '$ifs', '\\', "''", '""', '{', "$'"],
    pattern:
      /\$\{?ifs\b|\b[a-z]{1,8}(?:''|""|\\(?=[a-z]))[a-z]{1,12}(?:''|""|\\)?[a-z]*\s+\/|\{(?:cat|curl|wget|ls|nc|bash|sh|rm|ping),[^}\s]+\}|\$'\\x[0-9a-f]{2}/,
  },
  {
    name: 'reverse-shell',
    weights: weights(0.95, 0.6, 0.85),
    needs: ['/dev/', 'nc ', 'ncat ', 'netcat ', 'bash -', 'socket.', 'mkfifo ', 'pty.'],
    pattern:
      /\/dev\/(?:tcp|udp)\/|\b(?:nc|ncat|netcat)\s+(?:-\w+\s+)*-\w*[ec]\b|\bbash\s+-i\b|mkfifo\s.{0,80}\bnc\b|socket\.socket\b.{0,200}(?:dup2|subprocess|pty)|pty\.spawn/s,
  },
  {
    name: 'fetch-and-run',
    weights: weights(0.92, 0.45, 0.4),
    needs: ['|', 'iex(', 'iex (', 'invoke-', 'string(', 'string ('],
    pattern:
      /\b(?:curl|wget|fetch)\b[^|;\n]{0,300}\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b|base64\s+(?:-d|--decode)\b[^\n]{0,100}\|\s*(?:ba|z)?sh|\biex\s*\(|invoke-expression|downloadstring\s*\(/,
  },
  {
    name: 'shell-flag',
    weights: weights(0.85, 0.2, 0.1),
    needs: ['--', '-o'],
    pattern:
      /^\s*--?(?:upload-pack|exec|use-askpass|output|config|eval|command|checkpoint-action|to-command|rsh|proxycommand|o\s*proxycommand)(?:[=\s]|$)|\s-oproxycommand=/,
  },
  {
    name: 'traversal',
    weights: weights(0.6, 0.2, 0.1),
    needs: ['../', '..\\', '..;/', '....//'],
    pattern: /(?:\.\.(?:;?[\\/])+){3}|\.\.\.\.[\\/]{2}/,
  },
  {
    name: 'encoded-traversal',
    weights: weights(0.88, 0.4, 0.2),
    needs: ['%'],
    pattern:
      /(?:\.|%(?:25)*2e){2}(?:%(?:25)*(?:2f|5c)|[\\/])(?=.{0,6}(?:\.|%(?:25)*2e))|%c0%a[ef]|%(?:25)+2e|\.\.%(?:25)*(?:2f|5c)|%u2216|%uff0e/,
  },
  {
    name: 'sensitive-file',
    weights: weights(0.85, 0.3, 0.3),
    needs: [
      'etc/',
      'etc\\',
      '.ssh',
      'id_',
      '.aws',
      '.kube',
      '.docker',
      'proc/',
      'proc\\',
      'windows/',
      'windows\\',
      'boot.ini',
      '.gnupg',
      '.netrc',
      '.pgpass',
      '_history',
      'wp-config',
      'web.config',
      'sam',
    ],
    pattern: new RegExp(`(?:^|[\\\\/~\\s'":=])${SENSITIVE}`),
  },
  {
    name: 'null-byte',
    weights: weights(0.85, 0.6, 0.5),
    needs: ['\0', '%00'],
    pattern: /\0|%00/,
  },
  {
    name: 'metadata-service',
    weights: weights(0.88, 0.4, 0.3),
    needs: ['169.254', 'metadata.', '100.100.', 'fd00:', '/0', '@0', '/2', '://', ':ffff:', '.io'],
    pattern:
      /169\.254\.169\.254|169\.254\.170\.2|metadata\.(?:google|azure)\b|100\.100\.100\.200|fd00:ec2|[/@](?:0x[0-9a-f]{8}|2852039166|2130706433|0[0-7]{3,}\.)|(?:gopher|dict|ldaps?|jar|netdoc|phar|expect|tftp):\/\/|\[::ffff:|https?:\/\/[^/\s]*@(?:127\.|localhost|10\.|192\.168)|\.(?:nip|sslip|xip)\.io/,
  },
  {
    name: 'template-injection',
    weights: weights(0.88, 0.5, 0.3),
    needs: ['{{', '${', '<%', '#{', '__', '*{', '@('],
    pattern:
      /(?:\{\{|\$\{|#\{|\*\{|<%=?|@\()\s*-?['"(]?\d+['"]?\s*[*+]\s*['"]?\d+|(?:\{\{|\{%|\$\{)[^}]{0,80}(?:__\w+__|\bconfig\b|\bself\.|request\.|\bconstructor\b|\bprocess\.|cycler|lipsum|getclass|runtime|system\(|import|popen)|\$\{\s*(?:jndi|env|sys|lower|upper|::-|t\s*\()|__(?:class|subclasses|globals|builtins|mro|import)__/,
  },
  {
    name: 'prototype-pollution',
    weights: weights(0.7, 0.5, 0.3),
    needs: ['__proto__', '.prototype', '['],
    pattern: /__proto__|constructor["'\]\s.[]+prototype/,
  },
  {
    name: 'markup-with-script',
    weights: weights(0.88, 0.4, 0.1),
    needs: ['<', 'script', 'data:text', 'srcdoc'],
    pattern:
      /<script\b|(?:java|vb)\s?script\s*:|<[a-z]+\b[^>]{0,200}[\s/"']on[a-z]{3,20}\s*=|<(?:iframe|object|embed|base)\b|data:text\/html|<svg\b[^>]{0,80}(?:onload|<)|srcdoc\s*=/,
  },
  {
    name: 'external-entity',
    weights: weights(0.92, 0.7, 0.85),
    needs: ['<!', '<xi'],
    pattern: /<!(?:doctype|entity)\b[^>]{0,300}(?:\bsystem\b|\bpublic\b|\[)|<xi:include|<!entity\s+%/,
  },
  {
    name: 'filter-injection',
    weights: weights(0.85, 0.5, 0.2),
    needs: ['*)', ')(', '](', ' or '],
    pattern: /\*\)\s*\(|\)\s*\(\s*[|&]|\)\(\w+=\*|'\s*\]\s*\|\s*\/\//,
  },
  {
    name: 'header-injection',
    weights: weights(0.86, 0.1, 0.05),
    needs: ['\r', '\n', '%0d', '%0a'],
    pattern:
      /(?:\r\n|\r|\n|%0d%0a|%0a|%0d)[ \t]*(?:set-cookie|location|content-(?:type|length)|host|x-[a-z-]+|bcc|cc|to|from|subject|transfer-encoding|http\/1|authorization|link)\s*:/,
  },
  {
    name: 'serialised-object',
    weights: weights(0.88, 0.5, 0.4),
    needs: ['ro0ab', 'o:', '!!', '_$$nd', 'aced0005', 'c__builtin__', 'cos\n', '"@type"'],
    pattern:
      /\bro0ab[a-z0-9+/]|\bo:\d+:"[\w\\]+":\d+:\{|!!(?:python|java|ruby|javax)|_\$\$nd_func|aced0005|c__builtin__|cos\nsystem|"@type"\s*:\s*"(?:com|java|org)\./,
  },
];

/** All of them: what a machine runs or parses, and what is aimed at a model. */
export const FEATURES: readonly Feature[] = [...MACHINE_FEATURES, ...MODEL_FEATURES];

/** Found in the characters themselves, before they are made ordinary. */
export interface CharacterFeature {
  readonly name: string;
  readonly weight: number;
  readonly pattern: RegExp;
}

export const CHARACTER_FEATURES: readonly CharacterFeature[] = [
  {
    name: 'tag-characters',
    weight: 0.85,
    pattern: /(?<!\u{1F3F4}[\u{E0061}-\u{E007A}\u{E0030}-\u{E0039}]{0,6})[\u{E0001}\u{E0020}-\u{E007F}]/u,
  },
  { name: 'zero-width', weight: 0.45, pattern: /[a-z][\u200B\u2060-\u2064\u00AD\uFEFF\u200D][a-z]/i },
  { name: 'direction-override', weight: 0.5, pattern: /[\u202A-\u202E\u2066-\u2069]/ },
  { name: 'mixed-scripts', weight: 0.3, pattern: /[a-z][\u0430-\u044F\u0391-\u03C9]|[\u0430-\u044F][a-z]/i },
  { name: 'selectors', weight: 0.7, pattern: /[\u{E0100}-\u{E01EF}]{2}/u },
  { name: 'wide-letters', weight: 0.35, pattern: /[\uFF21-\uFF5A]{4}/ },
];

/** Of the request as a whole. */
export const WHOLE = {
  /** Octets of the arguments. */
  size: { from: 262_144, weight: 0.15 },
  depth: { from: 24, weight: 0.3 },
  /** Bits a character, in a value of at least so many without a space: packed or encrypted. */
  entropy: { bits: 5.2, length: 200, weight: 0.25 },
  /** Calls of a session within a second. */
  burst: { calls: 100, weight: 0.1 },
  /** Different tools within ten seconds, as somebody who tries what there is. */
  sequence: { tools: 25, weight: 0.15 },
  /** Each of its latest calls that looked suspicious, up to three. */
  probing: { weight: 0.12 },
} as const;
