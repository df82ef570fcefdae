/** What the bench's upstream says to a message: the same over stdio and HTTP, by hand and cheap. */
import { echoTools } from './echo-tools.ts';

interface Request {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: { readonly protocolVersion?: string; readonly arguments?: { readonly text?: string } };
}

/** @returns the answer's text, or undefined for a notification */
export type AnswerTo = (text: string) => string | undefined;

/** @param tools how many `tools/list` names */
export function createAnswerTo(tools: number): AnswerTo {
  const list = JSON.stringify({ tools: echoTools(tools) });
  const resultOf = ({ method, params }: Request): string | undefined => {
    switch (method) {
      case 'tools/call':
        return `{"content":[{"type":"text","text":${JSON.stringify(params?.arguments?.text ?? '')}}]}`;
      case 'tools/list':
        return list;
      case 'ping':
        return '{}';
      case 'initialize':
        return JSON.stringify({
          protocolVersion: params?.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: 'bench-echo', version: '1.0.0' },
        });
      default:
        return undefined;
    }
  };
  return (text) => {
    const message = JSON.parse(text) as Request;
    if (message.id === undefined) return undefined;
    const id = JSON.stringify(message.id);
    const result = resultOf(message);
    if (result !== undefined) return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
    return `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"Method not found"}}`;
  };
}
