// Email addresses as people paste them: one per line, or with commas, semicolons and names around them.

const ADDRESS = /^[^\s@<>]+@[^\s@<>]+$/;

export interface Addresses {
  emails: string[];
  /** What looks like no address. */
  bad: string[];
}

export function readAddresses(text: string): Addresses {
  const emails = new Set<string>();
  const bad: string[] = [];
  for (const piece of text.split(/[,;\n]+/)) {
    const trimmed = piece.trim();
    if (!trimmed) continue;
    // "Ada Lovelace <ada@example.org>"
    const inside = /<([^<>]+)>$/.exec(trimmed)?.[1]?.trim();
    // Several addresses with nothing but spaces between them.
    for (const word of inside ? [inside] : trimmed.split(/\s+/)) {
      if (ADDRESS.test(word)) emails.add(word.toLowerCase());
      else bad.push(word);
    }
  }
  return { emails: [...emails], bad };
}
