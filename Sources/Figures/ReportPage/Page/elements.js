// Making the page. Names from files reach it as text nodes and attributes only, never as markup.

const svgNamespace = "http://www.w3.org/2000/svg";

/** An element with attributes and children; strings become text. */
function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for a drawing. */
function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(svgNamespace, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

let lastIdentifier = 0;

/** An id that no other element of the page has. */
function identifier(prefix) {
  lastIdentifier += 1;
  return `${prefix}-${lastIdentifier}`;
}

/** A button that says what it does, to eyes and ears. */
function button(face, description, action) {
  const node = element("button", { type: "button", "aria-label": description, title: description }, face);
  node.addEventListener("click", action);
  return node;
}

/** A part of the page that is made when it is first opened. */
function details(summary, make) {
  const node = element("details", {}, element("summary", {}, summary));
  node.addEventListener("toggle", () => {
    if (node.open && node.childElementCount === 1) node.append(make());
  });
  return node;
}

/** `text` cut in the middle until it is no wider than `width`, as `measure` says. */
function shortened(text, width, measure) {
  if (measure(text) <= width) return text;
  const characters = Array.from(text);
  let [low, high, best] = [-1, characters.length, ""];
  while (high - low > 1) {
    const kept = (low + high) >> 1;
    const end = kept >> 1;
    const candidate =
      characters.slice(0, kept - end).join("") + "…" + (end ? characters.slice(-end).join("") : "");
    if (measure(candidate) <= width) [low, best] = [kept, candidate];
    else high = kept;
  }
  return best;
}

/** The value of a custom property of the page's style, which light, dark and print differ in. */
function styled(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Calls `redraw` whenever canvases have to be painted in other colors, or finer, for print. */
function onAppearance(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(1));
  addEventListener("beforeprint", () => redraw(3));
  addEventListener("afterprint", () => redraw(1));
}
