/** The links by which VS Code and Cursor take over a server's configuration. Text only; README.md has them, a test compares. */

/** How a host starts the router from npm's registry. */
const START = { command: 'npx', args: ['-y', 'aivillage-mcp', 'router', '--stdio'] } as const;

/** VS Code's redirect to `vscode:mcp/install`, which pages that allow web links only can hold. */
export const VS_CODE_LINK = `https://insiders.vscode.dev/redirect/mcp/install?${new URLSearchParams({
  name: 'aivillage',
  config: JSON.stringify(START),
}).toString()}`;

/** Cursor's deep link: the configuration as base64 of its JSON (cursor.com/docs/mcp/install-links). */
export const CURSOR_LINK = `cursor://anysphere.cursor-deeplink/mcp/install?${new URLSearchParams({
  name: 'aivillage',
  config: Buffer.from(JSON.stringify(START)).toString('base64'),
}).toString()}`;
