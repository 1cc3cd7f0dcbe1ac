import { describe, expect, it } from "vitest";
import { gridFor, pageCount, pageOf, tilesPerPage } from "./layout";

describe("gridFor", () => {
  it("keeps every tile inside the area and between 4:3 and 16:9", () => {
    for (let count = 1; count <= 16; count += 1) {
      for (const [width, height] of [
        [1280, 700],
        [360, 640],
        [640, 300],
        [2560, 1300],
        [320, 320],
      ] as const) {
        const grid = gridFor(count, width, height, 8);
        const where = `${count} tiles on ${width}×${height}`;
        expect(grid.columns * grid.rows, where).toBeGreaterThanOrEqual(count);
        expect(grid.columns * grid.tileWidth + 8 * (grid.columns - 1), where).toBeLessThanOrEqual(
          width,
        );
        expect(grid.rows * grid.tileHeight + 8 * (grid.rows - 1), where).toBeLessThanOrEqual(
          height,
        );
        expect(grid.tileWidth / grid.tileHeight, where).toBeGreaterThan(1.3);
        expect(grid.tileWidth / grid.tileHeight, where).toBeLessThan(1.82);
      }
    }
  });

  it("stacks two people on an upright phone and sets them side by side on a screen", () => {
    expect(gridFor(2, 360, 640, 8).columns).toBe(1);
    expect(gridFor(2, 1280, 700, 8).columns).toBe(2);
  });

  it("answers an empty tile while nothing has been measured", () => {
    expect(gridFor(3, 0, 0, 8).tileWidth).toBe(0);
  });
});

describe("pages", () => {
  it("holds 16 tiles on a desktop and 4 on a phone", () => {
    expect(tilesPerPage(1280)).toBe(16);
    expect(tilesPerPage(360)).toBe(4);
  });

  it("shows the last page when the wanted one is gone", () => {
    expect(pageOf([1, 2, 3, 4, 5], 7, 4)).toEqual([5]);
    expect(pageOf([1, 2, 3, 4, 5], -1, 4)).toEqual([1, 2, 3, 4]);
    expect(pageCount(0, 4)).toBe(1);
    expect(pageOf([], 0, 4)).toEqual([]);
  });
});
