// Where a page on plain http goes on with a camera. In: what the server says of itself, and the page's own address. Out:
// an https address, or undefined when the server has none. No DOM.

export interface SecureWays {
  public_url?: string | null;
  https_port?: number | null;
}

/** The same page over https. */
export function secureAddress(
  ways: SecureWays,
  page: { hostname: string; pathname: string },
): string | undefined {
  if (ways.public_url?.startsWith("https://")) {
    return new URL(page.pathname, ways.public_url).href;
  }
  if (!ways.https_port) return undefined;
  // The host of an IPv6 address has its brackets already.
  return `https://${page.hostname}:${ways.https_port}${page.pathname}`;
}
