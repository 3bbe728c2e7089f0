import { createHash } from 'node:crypto';

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; padding: 1rem; }
main { max-width: 26rem; margin: 2rem auto; }
h1 { font-size: 1.5rem; line-height: 1.2; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input, button { box-sizing: border-box; width: 100%; margin-top: .25rem; padding: .6rem; border: 1px solid GrayText;
  border-radius: .4rem; font: inherit; }
button { margin-top: 1.5rem; font-weight: 600; cursor: pointer; }
button:disabled { cursor: default; opacity: .6; }
:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
[role="alert"] { border-left: 4px solid #c62828; padding-left: .75rem; }
[role="alert"]:empty, [hidden] { display: none; }
`;

/** The token is behind the `#`, which is sent to no server; from here it goes into one request, and nowhere else. */
const SCRIPT = `
'use strict';
(() => {
  const element = (id) => document.getElementById(id);
  const [form, problem, first, second, button] = ['form', 'problem', 'password', 'again', 'submit'].map(element);
  let token = null;

  const say = (text) => { problem.textContent = text; };
  const close = (text) => { form.hidden = true; say(text); };

  // Also when another link is opened in the same tab. What is in the address bar is in the history, and in screenshots.
  const takeToken = () => {
    const given = new URLSearchParams(location.hash.slice(1)).get('token');
    if (/^[A-Za-z0-9_-]{22}[.][A-Za-z0-9_-]{43}$/.test(given ?? '')) {
      token = given;
      history.replaceState(null, '', location.pathname);
      form.hidden = false;
      element('done').hidden = true;
      say('');
    } else if (!token) {
      close('This is not a whole link. Open it exactly as you were given it.');
    }
  };

  const told = async (answer) => {
    try {
      const { detail, errors } = await answer.json();
      return errors ? errors.map(({ message }) => 'The password ' + message + '.').join(' ') : detail;
    } catch {
      return 'The server cannot be reached properly at the moment. Try again later.';
    }
  };

  const submit = async () => {
    if (first.value !== second.value) {
      say('The two passwords are not the same.');
      second.focus();
      return;
    }
    say('');
    button.disabled = true;
    try {
      const answer = await fetch('/v1/auth/password/reset', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token, new_password: first.value }),
      });
      if (answer.status === 204) {
        token = null;
        form.reset();
        form.hidden = true;
        element('done').hidden = false;
        element('done').focus();
      } else {
        const text = await told(answer);
        if (answer.status === 401) close(text);
        else say(text);
      }
    } catch {
      say('The server cannot be reached. Nothing was changed; try again.');
    } finally {
      button.disabled = false;
    }
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!button.disabled) void submit();
  });
  addEventListener('hashchange', takeToken);
  takeToken();
})();
`;

const sourceOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing runs or is styled but what is above; it can talk to this server only, and stand in no frame. */
export const RESET_PAGE_POLICY = [
  "default-src 'none'",
  `script-src ${sourceOf(SCRIPT)}`,
  `style-src ${sourceOf(STYLE)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Minimal, until the dashboard has a page of its own for this. */
export const RESET_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Choose a password · Watchlist</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Choose a password</h1>
<noscript><p>This page needs JavaScript.</p></noscript>
<p id="problem" role="alert"></p>
<form id="form" method="post" hidden>
<label for="password">New password</label>
<input id="password" type="password" autocomplete="new-password" minlength="8" required aria-describedby="rule problem">
<p id="rule">At least 8 characters.</p>
<label for="again">The same again</label>
<input id="again" type="password" autocomplete="new-password" required aria-describedby="problem">
<button id="submit">Set password</button>
</form>
<p id="done" tabindex="-1" hidden>Your password is set, and you are signed out everywhere. You can sign in with it now.</p>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
