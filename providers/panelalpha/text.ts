/**
 * The value that a shown text stands for. Some DNS servers show a TXT value as it is, others in the quotes of a zone
 * file, cut into strings and with escapes (RFC 1035 section 5.1).
 */
export function plainValue(shown: string): string {
  const trimmed = shown.trim();
  if (!/^"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*$/s.test(trimmed)) return shown;
  const strings = [...trimmed.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, inner = '']) => unescaped(inner));
  return strings.join('');
}

function unescaped(text: string): string {
  return text.replace(/\\(?:(\d{3})|(.))/gs, (_, code: string | undefined, character: string | undefined) =>
    code === undefined ? (character ?? '') : String.fromCharCode(Number(code)),
  );
}
