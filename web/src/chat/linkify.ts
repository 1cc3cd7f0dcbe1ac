// Finds links in what people write. In: text. Out: its parts in order, some with an address that is safe to open. The
// parts put together are the text again; nothing is ever read as HTML.

export interface Part {
  text: string;
  href?: string;
  /** Where the part begins in the text. */
  at: number;
}

const CANDIDATE = /(?:https?:\/\/|www\.)[^\s<>"`{}|\\^]+/gi;
const TRAILING = /[.,;:!?'’”»…*_~]+$/;

/** Takes off what ends the sentence rather than the link, and closing brackets that it did not open. */
function trim(link: string): string {
  let rest = link;
  for (;;) {
    const before = rest;
    rest = rest.replace(TRAILING, "");
    for (const [open, close] of ["()", "[]"]) {
      const opened = rest.split(open ?? "").length;
      if (rest.endsWith(close ?? "") && rest.split(close ?? "").length > opened) {
        rest = rest.slice(0, -1);
      }
    }
    if (rest === before) return rest;
  }
}

function address(link: string): string | undefined {
  try {
    const url = new URL(/^www\./i.test(link) ? `https://${link}` : link);
    const web = url.protocol === "https:" || url.protocol === "http:";
    return web && url.hostname.length > 0 && !url.username ? url.href : undefined;
  } catch {
    return undefined;
  }
}

export function linkify(text: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  const plain = (to: number) => {
    if (to > at) parts.push({ text: text.slice(at, to), at });
  };
  for (const match of text.matchAll(CANDIDATE)) {
    // Within a word it is none: "awww.no" is not meant as a link.
    if (/\w/.test(text[match.index - 1] ?? "")) continue;
    const link = trim(match[0]);
    const href = address(link);
    if (!href) continue;
    plain(match.index);
    parts.push({ text: link, href, at: match.index });
    at = match.index + link.length;
  }
  plain(text.length);
  return parts;
}
