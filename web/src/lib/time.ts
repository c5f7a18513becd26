/** 65_400 → "1:05", 3_661_000 → "1:01:01". */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** How long speech of so many letters lasts: the bundled voices speak about fourteen a second. */
export function estimateMs(characters: number, lines: number): number {
  return Math.round((characters / 14) * 1000) + lines * 250;
}
