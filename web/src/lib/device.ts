/** What the list of devices calls this one: the browser's own name for itself is a line long. */
export function deviceName(agent = navigator.userAgent): string {
  const browser = [/Edg\//, /Firefox\//, /Chrom(?:e|ium)\//, /Safari\//].findIndex((mark) => mark.test(agent));
  const system = [/Android/, /iPhone|iPad/, /Windows/, /Mac OS/, /Linux/].findIndex((mark) => mark.test(agent));
  const name = ['Edge', 'Firefox', 'Chrome', 'Safari'][browser] ?? 'Browser';
  const on = ['Android', 'iOS', 'Windows', 'macOS', 'Linux'][system];
  return on ? `${name}, ${on}` : name;
}

const STORED = 'sori.device';

/** The name that this browser gave itself: its places are known by it, on the server too. */
export function deviceId(): string {
  let id = localStorage.getItem(STORED);
  if (!id) {
    // Pages that are not served over TLS have no `randomUUID`.
    const bytes = crypto.getRandomValues(new Uint8Array(9));
    id = `web-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
    localStorage.setItem(STORED, id);
  }
  return id;
}
