// How tiles are laid out: how many on a page, and how large. Numbers in, numbers out; all lengths in CSS pixels.

export interface Grid {
  columns: number;
  rows: number;
  tileWidth: number;
  tileHeight: number;
}

/** Cameras are 16:9; 4:3 crops a quarter of the width, which still leaves a face whole. Narrower tiles do not. */
const SHAPES = [16 / 9, 4 / 3];
const WIDE_PAGE = 16;
const PHONE_PAGE = 4;
const PHONE_WIDTH = 640;

export function tilesPerPage(width: number): number {
  return width < PHONE_WIDTH ? PHONE_PAGE : WIDE_PAGE;
}

/** The grid that shows `count` tiles as large as they fit into `width` × `height` with `gap` between them. */
export function gridFor(count: number, width: number, height: number, gap: number): Grid {
  let best: Grid = { columns: 1, rows: Math.max(1, count), tileWidth: 0, tileHeight: 0 };
  if (count < 1 || width <= 0 || height <= 0) return best;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const roomX = (width - gap * (columns - 1)) / columns;
    const roomY = (height - gap * (rows - 1)) / rows;
    if (roomX <= 0 || roomY <= 0) continue;
    for (const shape of SHAPES) {
      const tileWidth = Math.min(roomX, roomY * shape);
      const tileHeight = tileWidth / shape;
      if (tileWidth * tileHeight > best.tileWidth * best.tileHeight) {
        best = {
          columns,
          rows,
          tileWidth: Math.floor(tileWidth),
          tileHeight: Math.floor(tileHeight),
        };
      }
    }
  }
  return best;
}

export function pageCount(count: number, perPage: number): number {
  return Math.max(1, Math.ceil(count / perPage));
}

/** The entries of page `page` (from 0); a page beyond the end shows the last one. */
export function pageOf<T>(entries: readonly T[], page: number, perPage: number): T[] {
  const last = pageCount(entries.length, perPage) - 1;
  const start = Math.min(Math.max(0, page), last) * perPage;
  return entries.slice(start, start + perPage);
}
