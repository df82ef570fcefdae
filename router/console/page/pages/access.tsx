/** Who may do what: the tools of this caller, and why a call would pass or not, for any caller that may be asked about. */
import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { useState } from 'preact/hooks';
import { z } from 'zod';
import { Action, fieldOf, Page, Shown, Status } from '../parts.tsx';
import { useLoad } from '../use-load.ts';
import { useVillage } from '../village.ts';

const schema = z.looseObject({ decision: z.string(), row: z.string().nullable(), reasons: z.array(z.string()) });
type Explained = z.output<typeof schema>;

export function Access() {
  const tools = useLoad(async (client) => [...(await client.listTools()).values()], '');
  return (
    <Page title="Access">
      <Explain />
      <section class="card" aria-label="What you may use">
        <h2>What you may use</h2>
        <Shown of={tools} isEmpty={(found) => found.length === 0} empty="Nothing: no row of the matrix lets you.">
          {(found) => (
            <table class="stack">
              <thead>
                <tr>
                  <th scope="col">Tool</th>
                  <th scope="col">What</th>
                  <th scope="col">Effect</th>
                </tr>
              </thead>
              <tbody>
                {found.map((tool) => (
                  <tr key={tool.name}>
                    <td>
                      <code>{tool.name}</code>
                    </td>
                    <td>{tool.title ?? tool.description?.slice(0, 120) ?? ''}</td>
                    <td>{effectOf(tool)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Shown>
      </section>
    </Page>
  );
}

function effectOf({ annotations }: Tool): string {
  if (annotations?.readOnlyHint === true) return 'reads';
  return annotations?.destructiveHint === false ? 'adds' : 'changes';
}

function Explain() {
  const { client, who } = useVillage();
  const [answer, setAnswer] = useState<Explained>();
  const ask = async (form: FormData): Promise<string> => {
    const agent = fieldOf(form, 'agent');
    const text = fieldOf(form, 'arguments');
    setAnswer(undefined);
    const asked = await client.call('permission_explain', {
      tool: fieldOf(form, 'tool'),
      ...(agent === '' ? {} : { agent_id: agent }),
      ...(text === '' ? {} : { arguments: JSON.parse(text) as unknown }),
    });
    setAnswer(schema.parse(asked));
    return '';
  };
  return (
    <section class="card" aria-label="Explain a permission">
      <h2>Would it pass?</h2>
      <Action name="Explain" act={ask}>
        <label>
          Tool
          <input name="tool" required />
        </label>
        <label>
          Agent
          <input name="agent" placeholder={who.agent} />
        </label>
        <label>
          Arguments, as JSON
          <textarea name="arguments" rows={2} />
        </label>
      </Action>
      {answer !== undefined && (
        <div role="status">
          <p>
            <Status value={answer.decision} />
          </p>
          <ul>
            {answer.reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
          {answer.row !== null && <pre>{answer.row}</pre>}
        </div>
      )}
    </section>
  );
}
