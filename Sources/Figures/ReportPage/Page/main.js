// The page: a heading, facts, and the document's sections one after another.

function sectionView(section, report) {
  const context = { axes: report.axes, colors: report.colors, link: new Link() };
  const kinds = {
    maps: (panel) => mapPanel(panel, context),
    pairs: (panel) => pairsPanel(panel, context),
    chart: (panel) => chartPanel(panel.chart, context),
    picture: ({ picture, description }) => element("img", { class: "picture", src: picture, alt: description }),
    table: ({ columns, cells, caption }) => tableView({ columns, rows: cells, caption }),
  };
  const heading = identifier("section");
  const isGrid = section.panels.length > 1 && section.panels.every(({ kind }) => kind !== "table");
  return element("section", { "aria-labelledby": heading },
    element("h2", { id: heading }, section.title),
    section.note ? element("p", { class: "note" }, section.note) : null,
    element("div", { class: isGrid ? "panels" : "single" }, ...section.panels.map((panel) => element("div", {},
      panel.heading ? element("h3", {}, panel.heading) : null, kinds[panel.kind](panel)))));
}

function build() {
  const report = JSON.parse(document.getElementById("report").textContent);
  const page = document.getElementById("page");
  document.documentElement.style.setProperty("--shared-span", `#${report.colors.span}`);
  page.append(element("header", {},
    element("h1", {}, report.title),
    element("dl", { class: "facts" }, ...report.facts.map(({ name, value }) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value))))));
  // The first section is painted before the others are made.
  const [first, ...rest] = report.sections;
  if (first) page.append(sectionView(first, report));
  requestAnimationFrame(() => setTimeout(() => {
    performance.mark("first-section-painted");
    for (const section of rest) page.append(sectionView(section, report));
    page.append(element("footer", {}, report.footer));
    page.dataset.complete = "";
  }));
}

// Canvases and drawings read the paper's colors when they are painted for it.
addEventListener("beforeprint", () => document.documentElement.classList.add("paper"));
addEventListener("afterprint", () => document.documentElement.classList.remove("paper"));
build();
