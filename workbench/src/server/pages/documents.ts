// The two documents: the page that boots the host, and the sign-in form.
import type { Theme } from '../accounts/accounts.ts';

const BACKGROUND = { dark: '#111217', light: '#f4f5f5' };

const documentOf = (theme: Theme, title: string, head: string, body: string) => `<!DOCTYPE html>
<html lang="en-US">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>
<base href="/"><link rel="icon" href="public/build/img/icons/mono/grafana.svg">
<style>html,body{margin:0;height:100%;background:${BACKGROUND[theme]};color-scheme:${theme}}</style>
${head}
</head>
<body class="theme-${theme} app-grafana">${body}</body>
</html>`;

/**
 * `deferred` boots the host only once the visitor has stayed for a moment. Tests open `/` twice before each of them,
 * only to read the boot data; loading the host there made a test half as slow again.
 */
export function appPage(theme: Theme, bootData: object, script: string, style: string, deferred: boolean): string {
  const head = `<link rel="stylesheet" href="${style}">
<script>window.__grafana_public_path__='/public/';window.grafanaBootData=${scriptSafe(bootData)}</script>`;
  const boot = `const s=document.createElement('script');s.type='module';s.src='${script}';document.head.append(s)`;
  const loader = deferred
    ? `<script>addEventListener('load',()=>setTimeout(()=>{${boot}},400))</script>`
    : `<script type="module" src="${script}"></script>`;
  return documentOf(theme, 'Grafana', head, `<div id="reactRoot"></div>${loader}`);
}

export function loginPage(redirectTo: string, failed: boolean): string {
  const demo = ['admin', 'editor', 'viewer'].map((login) => {
    const query = new URLSearchParams({ user: login, redirectTo });
    return `<a href="/login?${escapeHtml(query.toString())}">${login}</a>`;
  });
  return documentOf(
    'dark',
    'Grafana',
    `<style>${LOGIN_STYLE}</style>`,
    `<main><h1>Welcome to Grafana</h1>
${failed ? '<p role="alert">Invalid username or password</p>' : ''}
<form method="post" action="/login?${escapeHtml(new URLSearchParams({ redirectTo }).toString())}">
<label for="user">Email or username</label><input id="user" name="user" autocomplete="username" required autofocus>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Log in</button></form>
<p>Workbench sign-ins: ${demo.join(' · ')}</p></main>`,
  );
}

const LOGIN_STYLE = `@font-face{font-family:Inter;src:url(/public/fonts/inter/Inter-Regular.woff2)}
body{display:grid;place-items:center;color:#ccccdc;font:14px/1.57 Inter,Helvetica,Arial,sans-serif}
main{width:412px;padding:32px;background:#181b1f;border-radius:4px;box-sizing:border-box}
h1{font-weight:400;font-size:32px;text-align:center;margin:8px 0 24px}label{display:block;font-size:12px;font-weight:500;margin:16px 0 4px}
input{width:100%;height:32px;box-sizing:border-box;padding:0 8px;color:inherit;background:#111217;border:1px solid #ccccdc33;border-radius:2px}
button{font:inherit;width:100%;height:32px;margin:24px 0 16px;border:0;border-radius:2px;background:#3d71d9;color:#fff;font-weight:500;cursor:pointer}
:focus-visible{outline:2px solid #3d71d9;outline-offset:2px}a{color:#6e9fff}p{text-align:center;margin:0}[role=alert]{color:#ff7383}`;

const scriptSafe = (value: object) => JSON.stringify(value).replace(/</g, '\\u003c');
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
