// A map that is looked into: a cursor by mouse and keyboard, a zoom, a readout, a table.

// A map is no higher than this, its names included, and than the window.
const highest = 880;

/** Maps of one section that show the same layers move together. */
class Link {
  views = [];

  join(view) {
    this.views.push(view);
  }

  /** Does something to all other maps that have cells like those of `view`. */
  others(view, action) {
    for (const other of this.views) {
      if (other === view) continue;
      if (other.data.rows === view.data.rows && other.data.columns === view.data.columns) action(other);
    }
  }
}

/** A map with all that belongs to it; `node` is its place in the page. */
class MapView {
  constructor(data, colors, link) {
    this.data = data;
    this.colors = colors;
    this.link = link;
    this.geometry = new MapGeometry(data.rows, data.columns);
    this.cursor = null;
    this.onPick = null;
    this.onChange = () => {};
    this.build();
    this.painter = new MapPainter(this.canvas, data, this.geometry, colors);
    link.join(this);
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this.stage);
    onAppearance((scale) => this.paint(scale));
    this.read();
  }

  build() {
    this.canvas = element("canvas", { class: "cells", "aria-hidden": "true" });
    this.pointer = element("div", { class: "cursor", hidden: true });
    this.cross = [element("div", { class: "cross" }), element("div", { class: "cross" })];
    this.window = element("div", { class: "window" }, ...this.cross, this.pointer);
    this.hint = element("div", { class: "hint", hidden: true, "aria-hidden": "true" });
    const help = identifier("help");
    this.stage = element("div", {
      class: "stage", tabindex: 0, role: "application", "aria-roledescription": "map",
      "aria-describedby": help,
    }, this.canvas, this.window, this.hint);
    this.spoken = element("div", { class: "unseen", "aria-live": "polite" });
    this.pair = element("p", { class: "pair" });
    this.value = element("p", { class: "value" });
    this.more = element("p", { class: "more" });
    const tools = element("div", { class: "tools", role: "group", "aria-label": "Zoom" },
      button("+", "Zoom in", () => this.zoom(1.6)),
      button("−", "Zoom out", () => this.zoom(1 / 1.6)),
      button("1:1", "Show the whole map", () => this.zoom(0)));
    this.bar = element("div", { class: "bar" }, (this.mark = element("span", { class: "mark", hidden: true })));
    this.meanings = element("ul", { class: "meanings" });
    this.ends = [element("span"), element("span", { class: "score" }), element("span")];
    const inspector = element("div", { class: "inspector" },
      element("div", { class: "readout" }, this.pair, this.value, this.more),
      element("div", { class: "scale" }, this.bar, element("div", { class: "ends" }, ...this.ends), this.meanings),
      tools,
      element("p", { id: help, class: "help" },
        "Arrow keys move the cursor (Shift: by ten), + and − zoom, 0 shows all. Drag to move; "
        + "the wheel zooms once the map has the focus, or with Ctrl."));
    this.table = details("Numbers as a table", () => this.buildTable());
    this.node = element("figure", { class: "map" }, this.stage, inspector, this.spoken, this.table);
  }

  /** Shows another map in the same place. */
  show(data) {
    const isLike = data.rows === this.data.rows && data.columns === this.data.columns;
    this.data = data;
    this.painter.show(data);
    if (!isLike) {
      const geometry = new MapGeometry(data.rows, data.columns);
      this.geometry = this.painter.geometry = geometry;
      this.cursor = null;
    }
    this.resize();
    this.read();
    this.fillTable?.();
  }

  resize() {
    const width = this.stage.clientWidth;
    if (width === 0) return;
    const height = this.painter.layOut(width, Math.min(highest, Math.max(innerHeight - 24, 480)));
    this.canvas.style.height = `${height}px`;
    this.paint(1);
  }

  paint(finer) {
    if (!this.painter.width) return;
    this.painter.paint(Math.max(devicePixelRatio, finer));
    const { plot } = this.geometry;
    Object.assign(this.window.style, {
      left: `${plot.x}px`, top: `${plot.y}px`, width: `${plot.width}px`, height: `${plot.height}px`,
    });
    // For scripts that look into the map: where its cells are.
    const { left, bottom, cell } = this.geometry;
    Object.assign(this.stage.dataset, {
      x: plot.x, y: plot.y, width: plot.width, height: plot.height, left, bottom, cell,
    });
    this.placeCursor();
  }

  repaint() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      this.paint(1);
    });
  }

  listen() {
    const { stage } = this;
    const point = (event) => {
      const box = stage.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    let drag = null;
    stage.addEventListener("pointermove", (event) => {
      const [x, y] = point(event);
      if (drag) {
        if (Math.hypot(x - drag.x, y - drag.y) > 3) drag.hasMoved = true;
        if (drag.hasMoved && this.geometry.zoom > 1) {
          this.geometry.pan(x - drag.last[0], y - drag.last[1]);
          this.share();
        }
        drag.last = [x, y];
      }
      const cell = this.geometry.at(x, y);
      if (cell) this.moveTo(cell, { hint: [x, y] });
      else this.hint.hidden = true;
    });
    stage.addEventListener("pointerdown", (event) => {
      const [x, y] = point(event);
      drag = { x, y, last: [x, y], hasMoved: false };
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointerup", (event) => {
      const cell = this.geometry.at(...point(event));
      if (drag && !drag.hasMoved && cell) this.onPick?.(cell);
      drag = null;
    });
    stage.addEventListener("pointercancel", () => (drag = null));
    stage.addEventListener("pointerleave", () => (this.hint.hidden = true));
    stage.addEventListener("dblclick", (event) => this.zoom(2, ...point(event)));
    stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== stage) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), ...point(event));
    }, { passive: false });
    stage.addEventListener("focus", () => this.cursor ?? this.moveTo({ row: 0, column: 0 }, { spoken: true }));
    stage.addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    if (event.altKey || event.metaKey || event.ctrlKey) return;
    const { rows, columns } = this.data;
    const { row, column } = this.cursor ?? { row: 0, column: 0 };
    const far = event.shiftKey ? 10 : 1;
    const moves = {
      ArrowLeft: [row, column - far], ArrowRight: [row, column + far],
      ArrowUp: [row + far, column], ArrowDown: [row - far, column],
      Home: [row, 0], End: [row, columns - 1], PageUp: [rows - 1, column], PageDown: [0, column],
    };
    const actions = {
      "+": () => this.zoom(1.6), "=": () => this.zoom(1.6), "-": () => this.zoom(1 / 1.6),
      0: () => this.zoom(0), Escape: () => this.zoom(0), Enter: () => this.onPick?.({ row, column }),
    };
    if (moves[event.key]) {
      const [wantedRow, wantedColumn] = moves[event.key];
      const cell = {
        row: Math.min(Math.max(wantedRow, 0), rows - 1),
        column: Math.min(Math.max(wantedColumn, 0), columns - 1),
      };
      this.moveTo(cell, { spoken: true });
      this.geometry.reveal(cell);
      this.share();
    } else if (actions[event.key]) {
      actions[event.key]();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Zooms about a point, the cursor, or the middle; a factor of 0 shows all. */
  zoom(factor, x, y) {
    const { plot, cell } = this.geometry;
    if (x === undefined) {
      const center = [plot.x + plot.width / 2, plot.y + plot.height / 2];
      [x, y] = this.cursor
        ? [this.geometry.x(this.cursor.column) + cell / 2, this.geometry.y(this.cursor.row) + cell / 2]
        : center;
    }
    if (factor === 0) this.geometry.reset();
    else this.geometry.zoomBy(factor, x, y);
    this.share();
  }

  /** Shows the window that has changed, here and on linked maps. */
  share() {
    this.repaint();
    this.link.others(this, (other) => {
      other.geometry.follow(this.geometry);
      other.repaint();
    });
  }

  moveTo(cell, { spoken = false, hint = null } = {}) {
    this.setCursor(cell);
    this.link.others(this, (other) => other.setCursor(cell));
    const [pair, value, more] = this.texts();
    if (spoken) this.spoken.textContent = `${pair}: ${value} ${more}`;
    this.hint.hidden = !hint;
    if (hint) {
      this.hint.textContent = `${value} · ${pair}`;
      const isRight = hint[0] > this.stage.clientWidth / 2;
      Object.assign(this.hint.style, {
        left: isRight ? "auto" : `${hint[0] + 14}px`,
        right: isRight ? `${this.stage.clientWidth - hint[0] + 14}px` : "auto",
        top: `${hint[1] + 14}px`,
      });
    }
  }

  setCursor(cell) {
    if (this.cursor?.row === cell.row && this.cursor?.column === cell.column) return;
    this.cursor = cell;
    this.placeCursor();
    this.read();
    this.followTable?.();
    this.onChange(cell);
  }

  placeCursor() {
    const { cursor, geometry } = this;
    this.pointer.hidden = !cursor;
    for (const line of this.cross) line.hidden = !cursor;
    if (!cursor) return;
    const side = Math.max(geometry.cell, 3);
    const x = geometry.x(cursor.column) - geometry.plot.x;
    const y = geometry.y(cursor.row) - geometry.plot.y;
    this.pointer.style.transform = `translate(${x}px, ${y}px)`;
    this.pointer.style.width = this.pointer.style.height = `${side}px`;
    this.cross[0].style.cssText = `left: 0; right: 0; height: 1px; top: ${y + side / 2}px`;
    this.cross[1].style.cssText = `top: 0; bottom: 0; width: 1px; left: ${x + side / 2}px`;
  }

  /** What there is to say of the cursor's cell: names, value, the rest. */
  texts() {
    if (!this.cursor) return ["", "", ""];
    const { data, cursor } = this;
    const status = data.status(cursor);
    const more = data.extras(cursor).map(([name, number]) => `${name} ${readable(number)}`);
    for (const { rows, columns } of data.outlines) {
      const isInside = cursor.row >= rows[0] && cursor.row < rows[1]
        && cursor.column >= columns[0] && cursor.column < columns[1];
      if (isInside) more.push(`${data.source.outlineName} ${data.rowName(rows[0])} … ${data.rowName(rows[1] - 1)}`);
    }
    more.push(status);
    return [
      `${data.rowName(cursor.row)} × ${data.columnName(cursor.column)}`,
      readable(data.value(cursor)), more.join(" · "),
    ];
  }

  read() {
    const { data, cursor } = this;
    const { score, low, high } = data.source;
    this.stage.setAttribute("aria-label",
      `${data.source.name || score}: ${data.rows} rows, ${data.columns} columns`);
    const [pair, value, more] = this.texts();
    this.pair.textContent = cursor ? pair : "Move over the map, or focus it and use the arrow keys.";
    this.value.textContent = value;
    this.more.textContent = more;
    const stops = this.colors.map.filter((_, index) => index % 15 === 0).map((color) => `#${color}`);
    this.bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
    [tickText(low), score, tickText(high)].forEach((text, index) => (this.ends[index].textContent = text));
    this.meanings.replaceChildren(...this.readMeanings());
    const number = cursor ? data.value(cursor) : NaN;
    this.mark.hidden = Number.isNaN(number);
    const share = Math.min(Math.max((number - low) / (high - low), 0), 1);
    this.mark.style.left = `${100 * share}%`;
  }

  /** Samples of what the scale does not show, each with what it means. */
  readMeanings() {
    const { below, outlines, outlineName, faint, faintName } = this.data.source;
    const sample = (style, text) => element("li", {}, element("span", { class: "sample", style }), text);
    const { undefinedGround, undefinedStroke, faintStroke, map } = this.colors;
    const lines = (stroke, ground) => `repeating-linear-gradient(135deg, #${stroke} 0 1px, #${ground} 1px 4px)`;
    const hatching = lines(undefinedStroke, undefinedGround);
    const light = lines(faintStroke, map[Math.floor(0.15 * map.length)]);
    const hasUndefined = numbers(this.data.source.values).some(Number.isNaN);
    return [
      below ? sample(`background: #${this.colors.below}`, below) : null,
      hasUndefined ? sample(`background: ${hatching}`, "undefined") : null,
      faint ? sample(`background: ${light}`, faintName) : null,
      outlines.length ? sample("border: 2px solid #ffffff; outline: 1px solid #000000", outlineName) : null,
    ].filter((item) => item);
  }

  /** The row of the cursor as a table: all cells of a large map would be more than a page holds. */
  buildTable() {
    const choice = element("select", { "aria-label": "Row" });
    const place = element("div", { class: "wide" });
    const fillRow = () => {
      const { data } = this;
      const row = choice.selectedIndex;
      const extras = data.source.extras.map(({ name }) => ({ name, isNumber: true }));
      const columns = [
        { name: "column", isNumber: false }, { name: data.source.score, isNumber: true }, ...extras,
        { name: "status", isNumber: false },
      ];
      const rows = Array.from({ length: data.columns }, (_, column) => {
        const cell = { row, column };
        return [
          data.columnName(column), readable(data.value(cell)),
          ...data.extras(cell).map(([, number]) => readable(number)), data.status(cell),
        ];
      });
      place.replaceChildren(tableView({ columns, rows, caption: `Row ${data.rowName(row)}` }));
    };
    this.fillTable = () => {
      const { data, cursor } = this;
      choice.replaceChildren(...Array.from({ length: data.rows }, (_, row) =>
        element("option", {}, data.rowName(row))));
      choice.selectedIndex = cursor?.row ?? 0;
      fillRow();
    };
    this.followTable = () => {
      if (!this.table.open || choice.selectedIndex === this.cursor.row) return;
      choice.selectedIndex = this.cursor.row;
      fillRow();
    };
    choice.addEventListener("change", fillRow);
    this.fillTable();
    return element("div", {}, element("label", {}, "Row ", choice), place);
  }
}
