@testable import Figures

/// Two scalars that Cairo refuses, and Swift too in a literal.
let noncharacters = String(
  String.UnicodeScalarView([UInt32(0xFFFE), 0xFDD0].compactMap { Unicode.Scalar($0) }))

/// Names that break careless code.
let nastyNames = [
  "", " ", "\"quotes\" 'and' `ticks`", "<b>bold</b> & <script>", "line\nfeed\r\ttab", "NUL\u{0}NUL",
  "\u{1B}[31mred\u{7}", "\u{202E}reversed", noncharacters + "noncharacters", "😀👨‍👩‍👧 emoji",
  "层 слой ünïcödé", String(repeating: "very_long_name.", count: 20),
  "e" + String(repeating: "\u{301}", count: 2000), "surface12\" id=\"surface3", "]]>", "%s%n",
  "\u{10FFFF}", "\u{2028}",
]

/// A heatmap of distinct scores from 0 to 1, column by column within each row.
func sampleHeatmap(
  rows: Int, columns: Int, rowAxis: Heatmap.Axis = .init(), columnAxis: Heatmap.Axis = .init(),
  undefined: (Int, Int) -> Bool = { _, _ in false }, range: ClosedRange<Double> = 0...1,
  title: String? = nil
) throws -> Heatmap {
  let last = Double(max(rows * columns - 1, 1))
  let values = (0..<rows * columns).map { index in
    undefined(index / columns, index % columns) ? .nan : Double(index) / last
  }
  return try Heatmap(
    values: values, rows: rows, columns: columns, rowAxis: rowAxis, columnAxis: columnAxis,
    range: range, scoreName: "CKA", title: title)
}

/// Layers called as in a network, in stages of a tenth, three tenths, three tenths and the rest.
func sampleAxis(_ count: Int, title: String? = "ResNet") -> Heatmap.Axis {
  let borders = [0, count / 10, count * 4 / 10, count * 7 / 10, count]
  let groups = zip(borders, borders.dropFirst()).filter { $0 < $1 }.enumerated().map {
    Heatmap.Group(name: "stage \($0.offset)", range: $0.element.0..<$0.element.1)
  }
  let labels = (0..<count).map { "layer\($0 / 10).block\($0 % 10).conv" }
  return Heatmap.Axis(labels: labels, title: title, groups: groups)
}

/// The layout that a heatmap is drawn with.
func layout(of heatmap: Heatmap) throws -> HeatmapLayout {
  try HeatmapLayout(
    of: heatmap, summary: ScoreSummary(heatmap.values, range: heatmap.range),
    style: style(of: heatmap), meter: try meter())
}

/// The page that a figure has where nothing else is asked for.
func style(of figure: some DrawnFigure) throws -> PageStyle { try figure.laidOut(.standard).style }

func meter() throws -> TextMeter { try TextMeter(fontFamily: "sans-serif") }
