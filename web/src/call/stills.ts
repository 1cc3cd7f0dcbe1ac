// The last picture of every tile, kept when the connection is lost: the SDK takes participants away while it
// reconnects, the person goes on seeing them. In: the tiles' video elements. Out: small canvases, one per tile.

const WIDEST = 640;

const elements = new Map<string, HTMLVideoElement>();

/** Remembers the element that shows tile `key`; call the answer when it is gone. */
export function registerVideo(key: string, element: HTMLVideoElement): () => void {
  elements.set(key, element);
  return () => {
    if (elements.get(key) === element) elements.delete(key);
  };
}

function drawn(element: HTMLVideoElement): HTMLCanvasElement | undefined {
  if (!element.videoWidth) return undefined;
  const scale = Math.min(1, WIDEST / element.videoWidth);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(element.videoWidth * scale);
  canvas.height = Math.round(element.videoHeight * scale);
  canvas.getContext("2d")?.drawImage(element, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Pictures of all tiles on screen, by key. */
export function takeStills(): Map<string, HTMLCanvasElement> {
  const stills = new Map<string, HTMLCanvasElement>();
  for (const [key, element] of elements) {
    const still = drawn(element);
    if (still) stills.set(key, still);
  }
  return stills;
}
