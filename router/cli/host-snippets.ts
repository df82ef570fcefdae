// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the hosts' own placeholders
/**
 * How each host is told of the router: its file on each system, and what to write there. Text only; opens and changes
 * nothing. Sources: the hosts' own pages on MCP configuration.
 */

export const HOSTS = ['claude-desktop', 'claude-code', 'vscode', 'cursor', 'inspector', 'generic'] as const;
export type Host = (typeof HOSTS)[number];

export interface RouterPlace {
  /** Full path of the Node that runs this. */
  readonly node: string;
  /** Full path of router/bin/aivillage.mjs. */
  readonly launcher: string;
  /** Such as `http://127.0.0.1:8083/mcp`. */
  readonly url: string;
  /** Variables that the router needs to find the same data and settings; never secrets. */
  readonly env: Readonly<Record<string, string>>;
}

export interface HostSnippets {
  readonly host: Host;
  readonly title: string;
  /** Where the host keeps its file, by system. */
  readonly files: { readonly macos: string; readonly windows: string; readonly linux: string };
  /** What to write there when the host starts the router itself; JSON. */
  readonly stdio: object;
  /** What to write there when the router runs already; JSON. Absent: this file takes no URLs. */
  readonly http?: object;
  /** Sentences that belong to it. */
  readonly notes: readonly string[];
}

const ISSUE = 'npx aivillage token issue --agent NAME --ttl 8h';
const AS_WHOM =
  'Over stdio the caller is the local user (OPERATOR, cannot vote) unless "env" has "MCP_TOKEN": "<token>"; ' +
  `make the token with: ${ISSUE}`;
const NEEDS_TOKEN = `Over HTTP every caller needs a token; make it with: ${ISSUE}`;

/** What to write for a host so that it uses this router. */
export function snippetsFor(host: Host, place: RouterPlace): HostSnippets {
  const { node: command, launcher, url, env } = place;
  const start = { command, args: [launcher, 'router', '--stdio'], ...(Object.keys(env).length > 0 && { env }) };
  const local = (type?: string) => ({ mcpServers: { aivillage: { ...(type && { type }), ...start } } });
  const remote = (type: string | undefined, token: string) => ({
    mcpServers: { aivillage: { ...(type && { type }), url, headers: { Authorization: `Bearer ${token}` } } },
  });
  switch (host) {
    case 'claude-desktop':
      return {
        host,
        title: 'Claude Desktop',
        files: {
          macos: '~/Library/Application Support/Claude/claude_desktop_config.json',
          windows: '%APPDATA%\\Claude\\claude_desktop_config.json',
          linux: '~/.config/Claude/claude_desktop_config.json',
        },
        stdio: local(),
        notes: [AS_WHOM, 'This file takes no URLs; use the stdio form. Quit and start Claude Desktop afterwards.'],
      };
    case 'claude-code':
      return {
        host,
        title: 'Claude Code',
        files: everywhere('.mcp.json in the project, or ~/.claude.json for all projects'),
        stdio: local('stdio'),
        http: remote('http', '${MCP_TOKEN}'),
        notes: [AS_WHOM, NEEDS_TOKEN, 'Claude Code fills ${MCP_TOKEN} from the environment that it was started in.'],
      };
    case 'vscode':
      return {
        host,
        title: 'Visual Studio Code',
        files: {
          macos: '.vscode/mcp.json in the workspace, or ~/Library/Application Support/Code/User/mcp.json',
          windows: '.vscode\\mcp.json in the workspace, or %APPDATA%\\Code\\User\\mcp.json',
          linux: '.vscode/mcp.json in the workspace, or ~/.config/Code/User/mcp.json',
        },
        stdio: { servers: { aivillage: { type: 'stdio', ...start } } },
        http: {
          inputs: [{ type: 'promptString', id: 'aivillage-token', description: 'AIVillage token', password: true }],
          servers: {
            aivillage: { type: 'http', url, headers: { Authorization: 'Bearer ${input:aivillage-token}' } },
          },
        },
        notes: [AS_WHOM, NEEDS_TOKEN, 'VS Code asks for the token at first use and keeps it.'],
      };
    case 'cursor':
      return {
        host,
        title: 'Cursor',
        files: {
          macos: '.cursor/mcp.json in the project, or ~/.cursor/mcp.json',
          windows: '.cursor\\mcp.json in the project, or %USERPROFILE%\\.cursor\\mcp.json',
          linux: '.cursor/mcp.json in the project, or ~/.cursor/mcp.json',
        },
        stdio: local(),
        http: remote(undefined, '${env:MCP_TOKEN}'),
        notes: [AS_WHOM, NEEDS_TOKEN, 'Cursor fills ${env:MCP_TOKEN} from the environment that it was started in.'],
      };
    case 'inspector':
      return {
        host,
        title: 'MCP Inspector',
        files: everywhere('any file, named with --config FILE --server aivillage'),
        stdio: local('stdio'),
        http: { mcpServers: { aivillage: { type: 'streamable-http', url } } },
        notes: [
          AS_WHOM,
          NEEDS_TOKEN,
          `Without a file: npx @modelcontextprotocol/inspector ${[command, launcher].map(quote).join(' ')} router --stdio`,
          'The token goes into the Inspector\'s "Authentication" panel, as a bearer token.',
        ],
      };
    case 'generic':
      return {
        host,
        title: 'Any MCP client',
        files: everywhere("the client's own configuration"),
        stdio: local(),
        http: remote('http', '<token>'),
        notes: [
          AS_WHOM,
          NEEDS_TOKEN,
          `Clients of the 2024-11-05 era use ${url.replace(/\/mcp$/, '/sse')} (HTTP+SSE), with the same header.`,
        ],
      };
  }
}

function everywhere(file: string): HostSnippets['files'] {
  return { macos: file, windows: file, linux: file };
}

/** For a line that people paste into a shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(text) ? text : `"${text}"`;
}
