// Links to rooms: making them, and finding the code in what a person typed or pasted.

/** Room codes: 10 letters without vowels (and y), case-folded. */
const CODE = /^[bcdfghjklmnpqrstvwxz]{10}$/;

export function roomLink(code: string, origin: string = location.origin): string {
  return `${origin}/j/${code}`;
}

/** The code in `text`: a bare code (capitals, spaces and hyphens forgiven) or a link to `/j/…`; null when there is none. */
export function codeFrom(text: string): string | null {
  const trimmed = text.trim();
  const linked = /\/j\/([^/?#\s]+)/.exec(trimmed)?.[1];
  const code = (linked ?? trimmed).replace(/[\s-]+/g, "").toLowerCase();
  return CODE.test(code) ? code : null;
}
