/** Takes a name and password, or the token that a user has; where to get one is said beside it. */
import { useState } from 'preact/hooks';
import { type Kept, signInByPassword } from './credentials.ts';
import { fieldOf, Page } from './parts.tsx';
import { wordsOf } from './use-load.ts';

interface SignInProps {
  /** Why the last one is of no use. */
  readonly why: string | undefined;
  readonly onSignIn: (kept: Kept) => void;
}

export function SignIn(props: SignInProps) {
  return (
    <main>
      <Page title="Sign in">
        <div class="card">
          <SignInForm {...props} />
        </div>
      </Page>
    </main>
  );
}

export function SignInForm({ why, onSignIn }: SignInProps) {
  const [problem, setProblem] = useState<string>();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [token, name, password] = [fieldOf(form, 'token'), fieldOf(form, 'username'), String(form.get('password'))];
    if (token !== '') onSignIn({ accessToken: token });
    else if (name === '' || password === '') setProblem('Enter a name with its password, or a token.');
    else {
      setProblem(undefined);
      signInByPassword(name, password).then(onSignIn, (error: unknown) => setProblem(wordsOf(error)));
    }
  };
  return (
    <form onSubmit={submit}>
      <label>
        Token
        <input name="token" type="password" autoComplete="off" />
      </label>
      <p class="quiet">
        Make one where the village runs: <code>npx aivillage token issue --agent NAME</code>. It stays in this tab and
        ends with it.
      </p>
      <fieldset>
        <legend>or who you are</legend>
        <label>
          Name
          <input name="username" autoComplete="username" />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" />
        </label>
        <p class="quiet">
          For users of <code>npx aivillage user add NAME</code>; the page renews what they get by itself.
        </p>
      </fieldset>
      {(problem ?? why) !== undefined && (
        <p role="alert" class="bad">
          {problem ?? why}
        </p>
      )}
      <button type="submit">Sign in</button>
    </form>
  );
}
