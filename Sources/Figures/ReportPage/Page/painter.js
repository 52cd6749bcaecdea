// What a map looks like. Colors of cells come from the document, which has them from the pictures;
// those of text and frames from the page's style.

/** One map of the document, or the same with rows and columns exchanged. */
class MapData {
  constructor(source, axes, isTransposed = false) {
    this.source = source;
    this.isTransposed = isTransposed;
    const along = [axes[source.rowAxis], axes[source.columnAxis]];
    const counts = [source.rows, source.columns];
    if (isTransposed) for (const pair of [along, counts]) pair.reverse();
    [this.rowAxis, this.columnAxis] = along;
    [this.rows, this.columns] = counts;
    this.outlines = source.outlines.map(({ rows, columns }) =>
      isTransposed ? { rows: columns, columns: rows } : { rows, columns });
  }

  index({ row, column }) {
    return this.isTransposed ? column * this.source.columns + row : row * this.source.columns + column;
  }

  value(cell) {
    return numbers(this.source.values)[this.index(cell)];
  }

  status(cell) {
    const { statuses } = this.source;
    const status = statuses ? statuses.names[codes(statuses.codes)[this.index(cell)]] : "ok";
    // A cell of two good layers may have no value for a reason that is not known here.
    return status === "ok" && Number.isNaN(this.value(cell)) ? "undefined" : status;
  }

  /** Whether a cell does not stand out. */
  isFaint(cell) {
    const { faint } = this.source;
    return Boolean(faint) && numbers(faint)[this.index(cell)] === 1 && !Number.isNaN(this.value(cell));
  }

  /** Further numbers of a cell, such as z: pairs of a name and a number. */
  extras(cell) {
    return this.source.extras.map(({ name, values }) => [name, numbers(values)[this.index(cell)]]);
  }

  rowName(row) {
    return this.rowAxis.labels[row] ?? String(row);
  }

  columnName(column) {
    return this.columnAxis.labels[column] ?? String(column);
  }

  /** The map as an image of a pixel a cell. */
  image(colors) {
    const { low, high } = this.source;
    const values = numbers(this.source.values);
    const image = new ImageData(this.columns, this.rows);
    const pixels = new Uint32Array(image.data.buffer);
    const count = colors.map.length;
    // As in the pictures: what rounding alone puts below the scale is not below it.
    const lowest = low - 1e-6 * (high - low);
    const [downward, across] = this.isTransposed ? [1, this.source.columns] : [this.source.columns, 1];
    let pixel = 0;
    for (let row = this.rows - 1; row >= 0; row -= 1) {
      let index = row * downward;
      for (let column = 0; column < this.columns; column += 1, index += across, pixel += 1) {
        const value = values[index];
        const step = Math.floor(((value - low) / (high - low)) * count);
        if (value !== value) pixels[pixel] = colors.undefined;
        else if (value < lowest) pixels[pixel] = colors.below;
        else pixels[pixel] = colors.map[Math.min(Math.max(step, 0), count - 1)];
      }
    }
    const canvas = new OffscreenCanvas(this.columns, this.rows);
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }
}

/** The document's colors, those of pixels as numbers in the order of an image's bytes. */
function pixelColors(colors) {
  const pixel = (text) => {
    const code = parseInt(text, 16);
    return (0xff000000 | ((code & 0xff) << 16) | (code & 0xff00) | (code >> 16)) >>> 0;
  };
  return { map: colors.map.map(pixel), below: pixel(colors.below), undefined: pixel(colors.undefinedGround) };
}

const labelFont = "11px system-ui, sans-serif";
const titleFont = "600 12px system-ui, sans-serif";
const labelDistance = 12;
const longestLabel = 150;

/** What is written beside the cells of an axis, shorter than its names where these are long. */
function shownNames(axis) {
  return axis.short ?? axis.labels;
}

/** Draws a map: its margins are as wide as the names of its layers need. */
class MapPainter {
  constructor(canvas, data, geometry, colors) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.geometry = geometry;
    this.colors = colors;
    this.show(data);
  }

  show(data) {
    this.data = data;
    this.image = data.image(pixelColors(this.colors));
  }

  measure(text) {
    return this.context.measureText(text).width;
  }

  /** Lays the map out in `width` × at most `height` pixels; returns the height it takes. */
  layOut(width, height) {
    const { context, data } = this;
    context.font = labelFont;
    const widest = (names, count) => Math.min(longestLabel, names.reduce(
      (most, name) => Math.max(most, this.measure(name.slice(0, 80))), this.measure(String(count))));
    const strip = (axis) => (axis.groups.length ? 16 : 0);
    const title = (axis) => (axis.title ? 20 : 0);
    this.names = {
      rows: widest(shownNames(data.rowAxis), data.rows),
      columns: widest(shownNames(data.columnAxis), data.columns),
    };
    const left = title(data.rowAxis) + strip(data.rowAxis) + this.names.rows + 10;
    const below = title(data.columnAxis) + strip(data.columnAxis) + this.names.columns + 10;
    const [top, right] = [8, 8];
    const [across, upright] = [width - left - right, height - top - below];
    // No higher than wide: a map of few columns should not push the page apart.
    this.geometry.fit(left, top, Math.max(across, 40), Math.max(Math.min(upright, across), 40));
    this.width = width;
    this.height = top + this.geometry.plot.height + below;
    return this.height;
  }

  /** Paints everything at `scale` canvas pixels a CSS pixel. */
  paint(scale) {
    const { canvas, context, geometry, width, height } = this;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const { plot } = geometry;
    context.save();
    context.beginPath();
    context.rect(plot.x, plot.y, plot.width, plot.height);
    context.clip();
    this.paintCells(scale);
    this.paintGroupLines();
    this.paintOutlines();
    context.restore();
    context.strokeStyle = styled("--ink");
    context.lineWidth = 1;
    context.strokeRect(plot.x - 0.5, plot.y - 0.5, plot.width + 1, plot.height + 1);
    this.paintAxis(this.data.columnAxis, this.data.columns, true);
    this.paintAxis(this.data.rowAxis, this.data.rows, false);
  }

  paintCells(scale) {
    const { context, geometry, data } = this;
    // Smaller than a pixel, cells are averaged; else they stay sharp.
    context.imageSmoothingEnabled = geometry.cell * scale < 1;
    context.imageSmoothingQuality = "high";
    context.drawImage(
      this.image, geometry.x(0), geometry.y(data.rows - 1), geometry.cell * data.columns,
      geometry.cell * data.rows);
    if (geometry.cell < 4) return;
    this.paintHatching((cell) => Number.isNaN(data.value(cell)), this.colors.undefinedStroke);
    if (data.source.faint) this.paintHatching((cell) => data.isFaint(cell), this.colors.faintStroke);
  }

  /** Lines across some cells, so that they are told by more than a color. */
  paintHatching(isWanted, stroke) {
    const { context, geometry, data } = this;
    const { rows, columns } = geometry.seen;
    const cells = new Path2D();
    for (let row = rows[0]; row < rows[1]; row += 1) {
      for (let column = columns[0]; column < columns[1]; column += 1) {
        if (!isWanted({ row, column })) continue;
        cells.rect(geometry.x(column), geometry.y(row), geometry.cell, geometry.cell);
      }
    }
    context.save();
    context.clip(cells);
    context.strokeStyle = `#${stroke}`;
    context.lineWidth = 1;
    context.beginPath();
    const { plot } = geometry;
    for (let offset = -plot.height; offset < plot.width; offset += 7) {
      context.moveTo(plot.x + offset, plot.y + plot.height);
      context.lineTo(plot.x + offset + plot.height, plot.y);
    }
    context.stroke();
    context.restore();
  }

  paintGroupLines() {
    const { context, geometry, data } = this;
    const { plot } = geometry;
    context.strokeStyle = `#${this.colors.groupLine}`;
    context.globalAlpha = 0.8;
    context.lineWidth = 1.5;
    context.beginPath();
    for (const edge of edges(data.columnAxis.groups, data.columns)) {
      context.moveTo(geometry.x(edge), plot.y);
      context.lineTo(geometry.x(edge), plot.y + plot.height);
    }
    for (const edge of edges(data.rowAxis.groups, data.rows)) {
      context.moveTo(plot.x, geometry.y(edge - 1));
      context.lineTo(plot.x + plot.width, geometry.y(edge - 1));
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  /** Frames around blocks: a dark line inside a light one is seen on every color. */
  paintOutlines() {
    const { context, geometry } = this;
    for (const { rows, columns } of this.data.outlines) {
      const x = geometry.x(columns[0]);
      const y = geometry.y(rows[1] - 1);
      const width = (columns[1] - columns[0]) * geometry.cell;
      const height = (rows[1] - rows[0]) * geometry.cell;
      for (const [color, line] of [["#ffffff", 3.5], ["#000000", 1.5]]) {
        context.strokeStyle = color;
        context.lineWidth = line;
        context.strokeRect(x, y, width, height);
      }
    }
  }

  /** Names of layers, as many as have room; beyond them the stages and the model. */
  paintAxis(axis, count, isColumns) {
    const { context, geometry } = this;
    const { plot } = geometry;
    context.save();
    if (isColumns) {
      // Upwards, so that a name ends at its column.
      context.translate(0, plot.y + plot.height);
    } else {
      context.translate(plot.x, 0);
    }
    const longest = isColumns ? this.names.columns : this.names.rows;
    const [first, end] = isColumns ? geometry.seen.columns : geometry.seen.rows;
    const step = Math.max(1, Math.ceil(labelDistance / geometry.cell));
    const [start, stop] = isColumns ? [plot.x, plot.x + plot.width] : [plot.y, plot.y + plot.height];
    const middle = (low, high) => (isColumns
      ? (geometry.x(low) + geometry.x(high)) / 2
      : (geometry.y(low - 1) + geometry.y(high - 1)) / 2);
    context.fillStyle = styled("--ink");
    context.font = labelFont;
    for (const { place: cells, label } of axis.ticks) {
      const place = middle(cells, cells);
      if (place >= start - 1 && place <= stop + 1) this.write(label, place, 6, "end", isColumns);
    }
    const names = shownNames(axis);
    for (let index = Math.ceil(first / step) * step; index < end && !axis.ticks.length; index += step) {
      const place = middle(index, index + 1);
      if (place < start || place > stop) continue;
      const name = shortened(names[index] ?? String(index), longest, (text) => this.measure(text));
      this.write(name, place, 6, "end", isColumns);
    }
    context.fillStyle = styled("--faint");
    for (const group of axis.groups) {
      const [low, high] = [middle(group.start, group.start), middle(group.end, group.end)].sort((a, b) => a - b);
      const [from, to] = [Math.max(low, start), Math.min(high, stop)];
      const name = to > from ? shortened(group.name, to - from, (text) => this.measure(text)) : "";
      // Less than four letters of a longer name say nothing.
      if (name !== group.name && name.length < 5) continue;
      this.write(name, (from + to) / 2, longest + 16, "along", isColumns);
    }
    if (axis.title) {
      context.fillStyle = styled("--ink");
      context.font = titleFont;
      const beyond = longest + (axis.groups.length ? 34 : 20);
      const title = shortened(axis.title, stop - start, (text) => this.measure(text));
      this.write(title, (start + stop) / 2, beyond, "along", isColumns);
    }
    context.restore();
  }

  /** Text beside the axis at `place`, `distance` away from the plot: ending there, or along the axis. */
  write(text, place, distance, kind, isColumns) {
    const { context } = this;
    context.save();
    context.textBaseline = "middle";
    context.textAlign = kind === "along" ? "center" : "right";
    context.translate(...(isColumns ? [place, distance] : [-distance, place]));
    if (isColumns !== (kind === "along")) context.rotate(-Math.PI / 2);
    context.fillText(text, 0, 0);
    context.restore();
  }
}

/** Where groups begin and end, without the ends of the axis. */
function edges(groups, count) {
  const all = new Set(groups.flatMap(({ start, end }) => [start, end]));
  return [...all].filter((edge) => edge > 0 && edge < count);
}
