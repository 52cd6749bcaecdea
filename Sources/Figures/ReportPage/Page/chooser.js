// Which of several maps is shown: a slider over a list, or two over the pairs of models.

/** A slider over `names` with what it stands at beside it. */
function slider(label, names, onInput) {
  const shown = element("output", { class: "chosen" });
  const range = element("input", {
    type: "range", min: 0, max: names.length - 1, value: 0, "aria-label": label,
  });
  const set = (index) => {
    range.value = index;
    range.setAttribute("aria-valuetext", names[index]);
    shown.textContent = names[index];
  };
  range.addEventListener("input", () => {
    set(Number(range.value));
    onInput(Number(range.value));
  });
  set(0);
  return { node: element("label", { class: "slider" }, element("span", {}, label), range, shown), set };
}

/** One map, or a list of maps with a slider. */
function mapPanel(panel, context) {
  const data = panel.maps.map((map) => new MapData(map, context.axes));
  const view = new MapView(data[0], context.colors, context.link);
  if (data.length === 1) return view.node;
  const names = data.map(({ source }) => source.name);
  const choice = slider(panel.label, names, (index) => view.show(data[index]));
  return element("div", {}, choice.node, view.node);
}

/**
 * Maps of all pairs of models: a map of models × models, of which a cell is chosen, and the pair's own.
 * A pair is in the document once, as rows of the first × columns of the second.
 */
function pairsPanel(panel, context) {
  const overview = new MapData(panel.overview, context.axes);
  const models = overview.rowAxis.labels;
  const count = models.length;
  const map = (row, column) => {
    const direct = panel.entries[row * count + column];
    if (direct >= 0) return new MapData(panel.maps[direct], context.axes);
    const turned = panel.entries[column * count + row];
    return turned >= 0 ? new MapData(panel.maps[turned], context.axes, true) : null;
  };
  const first = panel.entries.findIndex((entry) => entry >= 0);
  const [chosen, view] = [
    new MapView(overview, context.colors, new Link()),
    new MapView(map(Math.floor(first / count), first % count), context.colors, new Link()),
  ];
  const missing = element("p", { class: "missing", role: "status", hidden: true });
  const title = element("h3", { "aria-live": "polite" });
  let place = { row: Math.floor(first / count), column: first % count };
  const both = element("input", { type: "checkbox" });
  const choose = (row, column) => {
    place = { row, column };
    rows.set(row);
    columns.set(column);
    const found = map(row, column);
    title.textContent = row === column ? models[row] : `${models[row]} × ${models[column]}`;
    missing.hidden = found !== null;
    view.node.hidden = found === null;
    missing.textContent = found ? "" : panel.missing;
    if (found) view.show(found);
  };
  const rows = slider("Rows", models, (row) => choose(row, both.checked ? row : place.column));
  const columns = slider("Columns", models, (column) => choose(both.checked ? column : place.row, column));
  both.checked = place.row === place.column;
  chosen.onPick = ({ row, column }) => {
    both.checked = row === column;
    choose(row, column);
  };
  choose(place.row, place.column);
  return element("div", { class: "pairs" },
    element("div", {}, element("h3", {}, "All models"), chosen.node),
    element("div", {},
      title,
      element("div", { class: "choice" }, rows.node, columns.node,
        element("label", { class: "both" }, both, " compare a model with itself")),
      missing, view.node));
}
