/** Who may do what: why a call would pass or not, for any caller that may be asked about, and the whole matrix. */
import { useState } from 'preact/hooks';
import { z } from 'zod';
import { MatrixTable } from '../matrix-table.tsx';
import { Action, fieldOf, Page, Status } from '../parts.tsx';
import { useVillage } from '../village.ts';

const schema = z.looseObject({ decision: z.string(), row: z.string().nullable(), reasons: z.array(z.string()) });
type Explained = z.output<typeof schema>;

export function Access() {
  return (
    <Page title="Access">
      <Explain />
      <MatrixTable />
    </Page>
  );
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
