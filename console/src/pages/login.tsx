// Who are you?
import { useState } from 'preact/hooks';
import { Problem } from '../lib/api';
import { failed, logIn } from '../lib/session';
import { Sql, Wrong } from '../ui/bits';

export function Login({ again }: { again?: boolean }) {
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<Problem | null>(failed);
  const form = (
    <form
      class="form"
      onSubmit={(e) => {
        e.preventDefault();
        setBusy(true);
        logIn({ token: token.trim() }).then(
          () => setToken(''),
          (problem: unknown) => {
            setWrong(problem instanceof Problem ? problem : new Problem(0, String(problem)));
            setBusy(false);
          },
        );
      }}
    >
      <label>
        Token
        <input type="password" name="token" required autoComplete="off" spellcheck={false} placeholder="pgi_…" value={token} onInput={(e) => setToken(e.currentTarget.value)} />
      </label>
      <button type="submit" class="primary" disabled={busy || !token.trim()}>
        {busy ? 'Logging in …' : 'Log in'}
      </button>
      {wrong && <Wrong problem={wrong} what={wrong === failed ? 'The link did not log you in' : 'Not logged in'} />}
    </form>
  );
  if (again) return form;
  return (
    <main class="login" aria-label="Log in">
      <div class="panel">
        <h1>pg_ingest</h1>
        <p class="muted">Log in with a token of yours, or by a link for one use, which you make in psql:</p>
        <Sql text={"SELECT ingest_api.login_link(minutes => 5);"} label="A link that logs in once" />
        {form}
      </div>
    </main>
  );
}
