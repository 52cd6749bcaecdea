// Where the cells of a map lie on its canvas, and which part of the map is seen.

/** A window on rows × columns cells; row 0 is at the bottom. Lengths are CSS pixels. */
class MapGeometry {
  constructor(rows, columns) {
    this.rows = rows;
    this.columns = columns;
    this.zoom = 1;
    // The cell at the lower left corner, in fractions of cells.
    this.left = 0;
    this.bottom = 0;
    this.plot = { x: 0, y: 0, width: 1, height: 1 };
  }

  /** Gives the map a room; cells stay square. */
  fit(x, y, width, height) {
    const cell = Math.min(width / this.columns, height / this.rows);
    this.plot = { x, y, width: cell * this.columns, height: cell * this.rows };
    this.clamp();
  }

  /** Pixels along a cell. */
  get cell() {
    return (this.plot.width / this.columns) * this.zoom;
  }

  /** The left and upper edge of a cell. */
  x(column) {
    return this.plot.x + (column - this.left) * this.cell;
  }
  y(row) {
    return this.plot.y + this.plot.height - (row + 1 - this.bottom) * this.cell;
  }

  /** The cell at a point, or null. */
  at(x, y) {
    const { plot } = this;
    if (x < plot.x || y < plot.y || x >= plot.x + plot.width || y >= plot.y + plot.height) return null;
    const column = Math.floor(this.left + (x - plot.x) / this.cell);
    const row = Math.floor(this.bottom + (plot.y + plot.height - y) / this.cell);
    return row < 0 || column < 0 || row >= this.rows || column >= this.columns ? null : { row, column };
  }

  /** Rows and columns of which a part is seen: first, and one past the last. */
  get seen() {
    const across = this.columns / this.zoom;
    const upright = this.rows / this.zoom;
    return {
      columns: [Math.floor(this.left), Math.min(Math.ceil(this.left + across), this.columns)],
      rows: [Math.floor(this.bottom), Math.min(Math.ceil(this.bottom + upright), this.rows)],
    };
  }

  /** Zooms by `factor`; the point x, y keeps its cell. */
  zoomBy(factor, x, y) {
    const { plot } = this;
    const column = this.left + (x - plot.x) / this.cell;
    const row = this.bottom + (plot.y + plot.height - y) / this.cell;
    const [short, long] = [this.rows, this.columns].sort((one, other) => one - other);
    const closest = Math.max(1, Math.min(long / 4, short));
    this.zoom = Math.min(Math.max(this.zoom * factor, 1), closest);
    this.left = column - (x - plot.x) / this.cell;
    this.bottom = row - (plot.y + plot.height - y) / this.cell;
    this.clamp();
  }

  /** Moves what is seen by pixels. */
  pan(x, y) {
    this.left -= x / this.cell;
    this.bottom += y / this.cell;
    this.clamp();
  }

  /** Moves the window as little as shows all of a cell. */
  reveal({ row, column }) {
    const across = this.columns / this.zoom;
    const upright = this.rows / this.zoom;
    this.left = Math.max(Math.min(this.left, column), column + 1 - across);
    this.bottom = Math.max(Math.min(this.bottom, row), row + 1 - upright);
    this.clamp();
  }

  /** All of the map. */
  reset() {
    this.zoom = 1;
    this.clamp();
  }

  /** Takes over another map's window. */
  follow(other) {
    this.zoom = other.zoom;
    this.left = other.left;
    this.bottom = other.bottom;
    this.clamp();
  }

  clamp() {
    const across = this.columns / this.zoom;
    const upright = this.rows / this.zoom;
    this.left = Math.min(Math.max(this.left, 0), this.columns - across);
    this.bottom = Math.min(Math.max(this.bottom, 0), this.rows - upright);
  }
}
