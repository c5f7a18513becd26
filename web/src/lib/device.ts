/** What the list of devices calls this one: the browser's own name for itself is a line long. */
export function deviceName(agent = navigator.userAgent): string {
  const browser = [/Edg\//, /Firefox\//, /Chrom(?:e|ium)\//, /Safari\//].findIndex((mark) => mark.test(agent));
  const system = [/Android/, /iPhone|iPad/, /Windows/, /Mac OS/, /Linux/].findIndex((mark) => mark.test(agent));
  const name = ['Edge', 'Firefox', 'Chrome', 'Safari'][browser] ?? 'Browser';
  const on = ['Android', 'iOS', 'Windows', 'macOS', 'Linux'][system];
  return on ? `${name}, ${on}` : name;
}
