// A payload that somebody must read: text where it is text, bytes where not.

/** The first characters of a base64 payload; bytes that are not UTF-8 become a hex dump. */
export function payloadText(base64: string, limit: number): string {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  } catch {
    return '';
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // Control characters are made visible, so that nothing hides in a payload.
    const shown = text.replace(
      /[\u0000-\u0008\u000b-\u001f\u007f]/g,
      (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
    return shown.length > limit ? `${shown.slice(0, limit)} …` : shown;
  } catch {
    return hex(bytes.subarray(0, Math.floor(limit / 4)));
  }
}

function hex(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let i = 0; i < bytes.length; i += 16) {
    const part = [...bytes.subarray(i, i + 16)];
    const codes = part.map((b) => b.toString(16).padStart(2, '0')).join(' ');
    const text = part.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join('');
    lines.push(`${i.toString(16).padStart(4, '0')}  ${codes.padEnd(47)}  ${text}`);
  }
  return lines.join('\n');
}
