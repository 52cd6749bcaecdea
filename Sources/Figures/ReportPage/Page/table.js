// Tables that are sorted by a click on a column's name.

const firstRows = 25;

/**
 * A table of texts; `columns` say what is a number. On a screen long ones show their first rows until asked;
 * on paper, which cannot be asked, they show all.
 */
function tableView({ columns, rows, caption }) {
  const body = element("tbody");
  let order = rows;
  let [sorted, isFalling] = [null, false];
  const heads = columns.map((column, index) => {
    const sort = element("button", { type: "button" }, column.name);
    const head = element("th", { scope: "col", class: column.isNumber ? "number" : null }, sort);
    sort.addEventListener("click", () => {
      isFalling = sorted === index ? !isFalling : Boolean(column.isNumber);
      sorted = index;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", isFalling ? "descending" : "ascending");
      order = [...rows].sort((one, other) => compare(one[index], other[index], column.isNumber, isFalling));
      list();
    });
    return head;
  });
  const list = () => {
    body.replaceChildren(...order.map((row, place) =>
      element("tr", { class: place < firstRows ? null : "later" }, ...row.map((text, index) =>
        element("td", { class: columns[index].isNumber ? "number" : null }, text)))));
  };
  list();
  const table = element("table", {}, caption ? element("caption", {}, caption) : null,
    element("thead", {}, element("tr", {}, ...heads)), body);
  if (rows.length <= firstRows) return element("div", { class: "wide" }, table);
  const all = button(`Show all ${rows.length} rows`, `Show all ${rows.length} rows`, () => {
    all.remove();
    place.classList.remove("short");
  });
  const place = element("div", { class: "wide short" }, table, all);
  return place;
}

/** Numbers by their size, with those that are none at the end; texts as people sort them. */
function compare(one, other, isNumber, isFalling) {
  const sign = isFalling ? -1 : 1;
  if (!isNumber) return sign * one.localeCompare(other, undefined, { numeric: true });
  const [a, b] = [one, other].map((text) => parseFloat(text.replaceAll("−", "-").replaceAll(",", "")));
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return sign * (a - b);
}
