/** Every server behind the router: how it is, since when, and what is wrong. */
import { SERVERS_EVERY_MS } from '../pace.ts';
import { Page, Shown, Status, Time } from '../parts.tsx';
import { SERVICES_URI, services } from '../services.ts';
import { useLoad } from '../use-load.ts';

export function Servers() {
  const all = useLoad(services, '', { uri: SERVICES_URI, everyMs: SERVERS_EVERY_MS });
  return (
    <Page title="Servers">
      <div class="card">
        <Shown of={all} isEmpty={(found) => found.length === 0} empty="No server is configured.">
          {(found) => (
            <table class="stack">
              <thead>
                <tr>
                  <th scope="col">Server</th>
                  <th scope="col">Status</th>
                  <th scope="col">Since</th>
                  <th scope="col">Tools</th>
                  <th scope="col">Calls now</th>
                </tr>
              </thead>
              <tbody>
                {found.map(({ id, status, state, since, problem, tools, calls_in_flight }) => (
                  <tr key={id}>
                    <td>
                      <strong>{id}</strong>
                    </td>
                    <td>
                      <Status value={status} /> <span class="quiet">({state})</span>
                      {problem !== null && <div class="bad">{problem}</div>}
                    </td>
                    <td>
                      <Time at={since} />
                    </td>
                    <td>{tools} tools</td>
                    <td>{calls_in_flight} calls now</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Shown>
      </div>
    </Page>
  );
}
