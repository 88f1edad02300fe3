import { createHash } from 'node:crypto';

/** The page with a policy for the browser: nothing comes from elsewhere, and only the scripts that VitePress wrote run. */
export function withPolicy(page: string): string {
  const scripts = [...page.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)];
  const hashes = scripts.map(([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${[...new Set(hashes)].join(' ')}`,
    // The colours of code are style attributes.
    "style-src 'self'; style-src-attr 'unsafe-inline'",
    // The theme's own icons are data.
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy}">`;
  return page.replace('<head>', `<head>\n    ${meta}`);
}
