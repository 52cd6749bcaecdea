// Line charts and scatter plots as drawings, with a cursor from point to point and a table.

const chartSize = { width: 480, height: 330, left: 62, right: 14, top: 12, bottom: 50 };

/** An axis of `scale` over `values`, on which the drawing spans start…end; `names` are of 0, 1, 2 … */
class Axis {
  constructor(scale, values, start, end, { xNames: names = [], xShort: short = [] } = {}) {
    Object.assign(this, { names, short });
    this.values = [...new Set(values)].sort((one, other) => one - other);
    this.isLogarithmic = scale.kind === "logarithmic";
    this.isNamed = scale.kind === "named";
    this.transform = this.isLogarithmic ? Math.log10 : (value) => value;
    const numbers = values.map(this.transform);
    let least = numbers.reduce((one, other) => Math.min(one, other), Infinity);
    let most = numbers.reduce((one, other) => Math.max(one, other), -Infinity);
    if (scale.low !== undefined) [least, most] = [scale.low, scale.high].map(this.transform);
    // At least a factor of four, so that noise does not look like growth; a single number in the middle.
    const missing = this.isLogarithmic ? Math.max(Math.log10(4) - (most - least), 0) : most === least ? 1 : 0;
    [least, most] = [least - missing / 2, most + missing / 2];
    this.start = start;
    this.inset = Math.sign(end - start) * 10;
    this.rate = (end - start - 2 * this.inset) / (most - least);
    this.least = least;
    const reach = this.inset / this.rate;
    [this.low, this.high] = [least - reach, most + reach].map((value) => (this.isLogarithmic ? 10 ** value : value));
  }

  place(value) {
    return this.start + this.inset + (this.transform(value) - this.least) * this.rate;
  }

  get ticks() {
    if (this.isNamed) return [];
    if (this.isLogarithmic) return logarithmicTicks(this.low, this.high);
    // Between names there is nothing to read.
    const ticks = linearTicks(this.low, this.high, 5);
    return this.names.length ? ticks.filter((tick) => this.names[tick] !== undefined) : ticks;
  }

  /** Where measurements are, as far apart as their numbers need; on a linear axis round numbers. */
  get dataTicks() {
    if (!this.isLogarithmic) return this.ticks;
    let end = -Infinity;
    return this.values.filter((value) => {
      const [place, half] = [this.place(value), 3.5 * tickText(value).length];
      if (place - half < end + 6) return false;
      end = place + half;
      return true;
    });
  }

  /** The same, short. */
  label(value) {
    return this.short[value] ?? tickText(value);
  }

  /** A number of the axis, or what stands for it. */
  text(value) {
    return this.names[value] ?? tickText(value);
  }
}

/** A figure of panels; those of a row share their vertical axis. */
function chartPanel(panel, context) {
  const charts = panel.rows.flatMap((row) => {
    const points = row.panels.flatMap(({ curves }) => curves.flatMap((curve) => curve.points));
    const { top, bottom, height } = chartSize;
    const y = new Axis(panel.yScale, points.flatMap(([, value, low, high]) => [value, low ?? value, high ?? value]),
      height - bottom, top);
    return row.panels.map((part) => oneChart(part, { panel, title: row.title, y, context }));
  });
  return element("figure", { class: "chart" },
    panel.title ? element("figcaption", {}, panel.title) : null,
    element("div", { class: "charts" }, ...charts),
    panel.note ? element("p", { class: "note" }, panel.note) : null);
}

function oneChart(part, { panel, title, y, context }) {
  const { width, height, left, right, top, bottom } = chartSize;
  const x = new Axis(panel.xScale, part.curves.flatMap(({ points }) => points.map(([value]) => value)),
    left, width - right, part);
  const drawing = shape("svg", {
    viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "application", "aria-roledescription": "chart",
    "aria-label": `${title} against ${part.xTitle}; arrow keys move from point to point`,
  });
  drawing.append(...spansOf(part, x), ...gridOf(x, y), ...labelsOf(part.xTitle, title));
  if (part.slope !== null && part.slope !== undefined) drawing.append(guideOf(part, x, y));
  const curves = part.curves.map((curve, index) => curveOf(curve, index, part.curves.length, x, y, context));
  if (y.low < 0 && y.high > 0 && !y.isLogarithmic) {
    drawing.append(shape("line", {
      class: "zero", x1: chartSize.left, x2: chartSize.width - chartSize.right, y1: y.place(0), y2: y.place(0),
    }));
  }
  drawing.append(...curves.flatMap(({ band }) => (band ? [band] : [])), ...curves.map(({ line }) => line));
  const ring = shape("circle", { class: "ring", r: 6, visibility: "hidden" });
  drawing.append(ring);
  const readout = element("p", { class: "pair", "aria-live": "polite" });
  followPoints(drawing, part.curves, { x, y, ring, readout, xTitle: part.xTitle });
  const labeled = part.curves.some(({ label }) => label);
  const legend = labeled
    ? element("ul", { class: "legend" }, ...part.curves.map((curve, index) => {
      const key = element("span", { class: "key" });
      colorCurve(key, index, part.curves.length, context);
      return element("li", {}, key, curve.label ?? "");
    }))
    : null;
  const table = details("Numbers as a table", () => {
    const hasSpread = part.curves.some(({ points }) => points.some((point) => point.length > 2));
    const columns = [
      { name: "curve" }, { name: part.xTitle, isNumber: !x.isNamed && !x.names.length }, { name: title, isNumber: true },
      ...(hasSpread ? [{ name: "from", isNumber: true }, { name: "to", isNumber: true }] : []),
    ];
    const rows = part.curves.flatMap((curve, index) => curve.points.map(([px, py, low, high], place) => [
      curve.label ?? String(index + 1), curve.names?.[place] ?? x.text(px), String(py),
      ...(hasSpread ? [String(low ?? ""), String(high ?? "")] : []),
    ]));
    return tableView({ columns, rows });
  });
  return element("div", { class: "panel" }, drawing, legend, readout,
    part.note ? element("p", { class: "note" }, part.note) : null, table);
}

function colorCurve(node, index, count, { colors }) {
  for (const theme of ["light", "dark"]) {
    const [low, high] = colors.curves[theme];
    const share = count > 1 ? low + (high - low) * (index / (count - 1)) : (low + high) / 2;
    const entry = Math.min(Math.floor(share * colors.map.length), colors.map.length - 1);
    node.style.setProperty(`--${theme}`, `#${colors.map[entry]}`);
  }
  node.classList.add("curve");
}

function spansOf(part, x) {
  const { width, height, left, right, top, bottom } = chartSize;
  return part.spans.map(([low, high]) => {
    const [start, end] = [Math.max(x.place(low), left), Math.min(x.place(high), width - right)];
    return shape("rect", {
      class: "span", x: start, y: top, width: Math.max(end - start, 0), height: height - top - bottom,
    });
  });
}

function gridOf(x, y) {
  const { width, height, left, right, top, bottom } = chartSize;
  const frame = shape("rect", {
    class: "frame", x: left, y: top, width: width - left - right, height: height - top - bottom,
  });
  const across = x.dataTicks.map((tick) => shape("g", {},
    shape("line", { class: "grid", x1: x.place(tick), x2: x.place(tick), y1: top, y2: height - bottom }),
    shape("text", { x: x.place(tick), y: height - bottom + 16, "text-anchor": "middle" }, x.label(tick))));
  const upright = y.ticks.map((tick) => shape("g", {},
    shape("line", { class: "grid", x1: left, x2: width - right, y1: y.place(tick), y2: y.place(tick) }),
    shape("text", { x: left - 6, y: y.place(tick) + 4, "text-anchor": "end" }, tickText(tick))));
  return [...across, ...upright, frame];
}

function labelsOf(xTitle, yTitle) {
  const { width, height, left, right, top, bottom } = chartSize;
  const [x, y] = [(left + width - right) / 2, (top + height - bottom) / 2];
  return [
    shape("text", { class: "title", x, y: height - 10, "text-anchor": "middle" }, xTitle),
    shape("text", { class: "title", transform: `translate(14 ${y}) rotate(-90)`, "text-anchor": "middle" }, yTitle),
  ];
}

/** The slope that was expected, through the last point of the first curve. */
function guideOf(part, x, y) {
  const [px, py] = part.curves[0].points.at(-1);
  const first = x.low;
  const at = (value) => (y.isLogarithmic
    ? py * (value / px) ** part.slope
    : py + part.slope * (value - px));
  const identity = identifier("clip");
  const { width, height, left, right, top, bottom } = chartSize;
  return shape("g", {},
    shape("clipPath", { id: identity },
      shape("rect", { x: left, y: top, width: width - left - right, height: height - top - bottom })),
    shape("line", {
      class: "guide", "clip-path": `url(#${identity})`, x1: x.place(first), y1: y.place(at(first)),
      x2: x.place(x.high), y2: y.place(at(x.high)),
    }));
}

function curveOf(curve, index, count, x, y, context) {
  const places = curve.points.map(([px, py]) => [x.place(px), y.place(py)]);
  const path = (points) => points.map(([px, py], i) => `${i ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
  const line = shape("g", {},
    curve.names ? null : shape("path", { class: "line", d: path(places) }),
    // All marks in one path: scatter plots have thousands.
    shape("path", {
      class: curve.names ? "marks" : places.length > 60 ? "marks fine" : "marks",
      d: places.map(([px, py]) => `M${px.toFixed(1)} ${py.toFixed(1)}h0`).join(""),
    }));
  colorCurve(line, index, count, context);
  const spread = curve.points.filter((point) => point.length > 2);
  if (spread.length === 0) return { line, band: null };
  if (curve.names) {
    // Points of their own have each a line of their own.
    const whiskers = shape("path", {
      class: "whiskers",
      d: spread.map(([px, , low, high]) => `M${x.place(px)} ${y.place(low)}V${y.place(high)}`).join(""),
    });
    colorCurve(whiskers, index, count, context);
    return { line, band: whiskers };
  }
  const upper = spread.map(([px, , , high]) => [x.place(px), y.place(high)]);
  const lower = spread.map(([px, , low]) => [x.place(px), y.place(low)]).reverse();
  const band = shape("path", { class: "band", d: `${path([...upper, ...lower])}Z` });
  colorCurve(band, index, count, context);
  return { line, band };
}

/** A ring around the nearest point, and what it is; arrow keys go from point to point. */
function followPoints(drawing, curves, { x, y, ring, readout, xTitle }) {
  let place = null;
  const show = (curve, index) => {
    place = { curve, index };
    const [px, py, low, high] = curves[curve].points[index];
    ring.setAttribute("cx", x.place(px));
    ring.setAttribute("cy", y.place(py));
    ring.setAttribute("visibility", "visible");
    const spread = low === undefined ? "" : ` (${tickText(low)} to ${tickText(high)})`;
    const { names, label } = curves[curve];
    const name = names ? `${names[index]}: ` : `${label ? `${label}: ` : ""}${xTitle} ${x.text(px)} → `;
    readout.textContent = name + tickText(py) + spread;
  };
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const scale = chartSize.width / box.width;
    const [px, py] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    let best = null;
    curves.forEach((curve, c) => curve.points.forEach(([vx, vy], index) => {
      const distance = Math.hypot(x.place(vx) - px, y.place(vy) - py);
      if (!best || distance < best.distance) best = { distance, curve: c, index };
    }));
    if (best) show(best.curve, best.index);
  });
  drawing.addEventListener("focus", () => place ?? show(0, 0));
  drawing.addEventListener("keydown", (event) => {
    const { curve, index } = place ?? { curve: 0, index: 0 };
    const along = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    const across = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (along === undefined && across === undefined) return;
    event.preventDefault();
    const next = Math.min(Math.max(curve + (across ?? 0), 0), curves.length - 1);
    show(next, Math.min(Math.max(index + (along ?? 0), 0), curves[next].points.length - 1));
  });
}
