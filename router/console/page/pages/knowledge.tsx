/** The village's knowledge: an answer with the path that led to each passage, and the names around a name. */
import { useState } from 'preact/hooks';
import { Graph } from '../graph.tsx';
import { type Hit, type Step, search, type Walk, walkFrom } from '../knowledge.ts';
import { Action, fieldOf, Page } from '../parts.tsx';
import { useVillage } from '../village.ts';

export function Knowledge() {
  const { tools } = useVillage();
  const [name, setName] = useState<string>();
  if (!tools.has('hyperrag_query')) {
    return (
      <Page title="Knowledge">
        <p class="card">The knowledge server is not among the servers of this village, or your token may not ask it.</p>
      </Page>
    );
  }
  return (
    <Page title="Knowledge">
      <Search onName={setName} />
      {tools.has('hyperrag_graph') && <Around key={name} start={name} onName={setName} />}
    </Page>
  );
}

function Search({ onName }: { readonly onName: (name: string) => void }) {
  const { client } = useVillage();
  const [hits, setHits] = useState<readonly Hit[]>();
  const ask = async (form: FormData): Promise<string> => {
    const found = await search(client, fieldOf(form, 'query'));
    setHits(found);
    return found.length === 0 ? 'Nothing that is known answers this.' : `${found.length} passages.`;
  };
  return (
    <section class="card" aria-label="Ask">
      <Action name="Ask" act={ask}>
        <label>
          Question
          <input name="query" required placeholder="in plain words, the whole of it" />
        </label>
      </Action>
      {hits !== undefined && hits.length > 0 && (
        <ol class="hits">
          {hits.map((hit) => (
            <li key={hit.passage_id}>
              <h2>{hit.title}</h2>
              <p>
                <meter min="0" max="1" value={hit.confidence} aria-label="Confidence" />{' '}
                <span class="quiet">
                  {Math.round(hit.confidence * 100)} % sure; {hit.kind} from {hit.source}
                </span>
              </p>
              <p>{hit.text}</p>
              <Path of={hit.path} onName={onName} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** What led to a passage, step by step; a name in it can be walked from. */
function Path({ of: path, onName }: { readonly of: readonly Step[]; readonly onName: (name: string) => void }) {
  return (
    <details>
      <summary>How it was found</summary>
      <ol>
        {path.map(({ by, title, terms, name }, at) => (
          <li key={at}>
            {WAYS[by] ?? by} <strong>{title}</strong>
            {terms.length > 0 && ` (${terms.join(', ')})`}
            {name !== null && (
              <>
                {' '}
                <button type="button" class="link" onClick={() => onName(name)}>
                  {name}
                </button>
              </>
            )}
          </li>
        ))}
      </ol>
    </details>
  );
}

const WAYS: Readonly<Record<string, string>> = {
  terms: 'by its words:',
  name: 'by a name in the question:',
  entity: 'by a name that it shares with the one before:',
  neighbours: 'beside the one before, in the same text:',
  vector: 'by likeness of subject:',
};

interface AroundProps {
  /** Shown at once, when there is one. */
  readonly start: string | undefined;
  readonly onName: (name: string) => void;
}

function Around({ start, onName }: AroundProps) {
  const { client } = useVillage();
  const [walk, setWalk] = useState<Walk>();
  const show = async (form: FormData): Promise<string> => {
    const name = fieldOf(form, 'entity');
    const found = await walkFrom(client, name);
    setWalk(found);
    return `${found.entities.length - 1} names around ${found.entities[0]?.name ?? name}.`;
  };
  return (
    <section class="card" aria-label="Around a name">
      <h2>Around a name</h2>
      <Action name="Show" act={show} isEager={start !== undefined}>
        <label>
          Name
          <input name="entity" required defaultValue={start ?? ''} />
        </label>
      </Action>
      {walk !== undefined && (
        <>
          <Graph of={walk} />
          <table class="stack">
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">Words between</th>
                <th scope="col">To</th>
              </tr>
            </thead>
            <tbody>
              {walk.relations.map(({ from, relation, to, passage_id }, at) => (
                <tr key={at}>
                  <td>{from}</td>
                  <td>{relation}</td>
                  <td>
                    <button type="button" class="link" onClick={() => onName(to)}>
                      {to}
                    </button>{' '}
                    <span class="quiet">{walk.passages.find((each) => each.passage_id === passage_id)?.title}</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </section>
  );
}
