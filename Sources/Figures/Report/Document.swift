import Figures

/// What a page shows, as its script reads it; the numbers of maps are in blocks beside it.
struct Document: Encodable {
  struct Fact: Encodable {
    var name: String
    var value: String
  }

  struct Section: Encodable {
    var title: String
    var note: String?
    var panels: [Panel]
  }

  struct Axis: Encodable {
    struct Group: Encodable {
      var name: String
      var start: Int
      var end: Int
    }

    struct Tick: Encodable {
      var place: Double
      var label: String
    }

    var title: String?
    var labels: [String]
    /// What is written beside the cells where that is not the labels: short, but as different as these.
    var short: [String]?
    /// Numbers in place of names: how many cells lie before each, and what is written.
    var ticks: [Tick]
    var groups: [Group]
  }

  struct Map: Encodable {
    struct Extra: Encodable {
      var name: String
      var values: NumberBlocks.Reference
    }

    struct Statuses: Encodable {
      var names: [String]
      var codes: NumberBlocks.Codes
    }

    struct Outline: Encodable {
      var rows: [Int]
      var columns: [Int]
    }

    var name: String
    var rows: Int
    var columns: Int
    /// Indices of axes.
    var rowAxis: Int
    var columnAxis: Int
    /// The ends of the color scale.
    var low: Double
    var high: Double
    var score: String
    var values: NumberBlocks.Reference
    var extras: [Extra]
    var statuses: Statuses?
    var outlines: [Outline]
    /// What an outline means.
    var outlineName: String
    /// Of each cell 1 where it is hatched lightly; nil for none.
    var faint: NumberBlocks.Reference?
    /// What that means.
    var faintName: String
    /// What the color below the scale means; nil where no score lies there.
    var below: String?
  }

  struct Chart: Encodable {
    struct Scale: Encodable {
      var kind: String
      var low: Double?
      var high: Double?
    }

    struct Curve: Encodable {
      var label: String?
      /// x, y, and the ends of its spread where it has one.
      var points: [[Double]]
      /// What each point is called; nil for points of a line.
      var names: [String]?
    }

    struct Part: Encodable {
      var xTitle: String
      /// What the places 0, 1, 2 … of the horizontal axis are called, or none.
      var xNames: [String]
      /// The same as they are written below the axis.
      var xShort: [String]
      var curves: [Curve]
      var slope: Double?
      var note: String?
      var spans: [[Double]]
    }

    struct Row: Encodable {
      var title: String
      var panels: [Part]
    }

    var title: String?
    var note: String?
    var xScale: Scale
    var yScale: Scale
    var rows: [Row]
  }

  struct Panel: Encodable {
    var kind: String
    var heading: String?
    var label: String?
    var maps: [Map]?
    var overview: Map?
    var entries: [Int]?
    var missing: String?
    var columns: [Report.Table.Column]?
    var caption: String?
    /// Of a table.
    var cells: [[String]]?
    var chart: Chart?
    /// A picture as an address that holds it, and what it shows.
    var picture: String?
    var description: String?
  }

  struct Curves: Encodable {
    var light: [Double]
    var dark: [Double]
  }

  struct Colors: Encodable {
    var map: [String]
    var below: String
    var undefinedGround: String
    var undefinedStroke: String
    var faintStroke: String
    var groupLine: String
    var curves: Curves
    var span: String
  }

  var title: String
  var facts: [Fact]
  var axes: [Axis]
  var sections: [Section]
  var footer: String
  var colors: Colors
}

extension Document.Colors {
  /// The colors of the pictures. Curves on a dark ground take the light part of the scale.
  init() {
    let colors = ScreenColors()
    self.init(
      map: colors.map, below: colors.below, undefinedGround: colors.undefinedGround,
      undefinedStroke: colors.undefinedStroke, faintStroke: colors.faintStroke,
      groupLine: colors.groupLine,
      curves: Document.Curves(light: colors.curves, dark: [0.5, 0.92]),
      span: colors.span)
  }
}

extension Document.Axis {
  init(_ axis: Heatmap.Axis) {
    // As many letters as the page has room for beside a map.
    let short = axis.short { $0.count <= 24 }
    title = short.title.map(displayText)
    labels = axis.labels.map(displayText)
    self.short = short.names == labels ? nil : short.names
    ticks = axis.ticks.map { Tick(place: $0.place, label: displayText($0.label)) }
    groups = axis.groups.map {
      Group(name: displayText($0.name), start: $0.range.lowerBound, end: $0.range.upperBound)
    }
  }
}

extension Document.Chart {
  init(_ chart: LineChart) {
    title = chart.title.map(displayText)
    note = chart.note.map(displayText)
    (xScale, yScale) = (Scale(chart.xScale), Scale(chart.yScale))
    rows = zip(chart.rowTitles, chart.panels).map { title, panels in
      Row(title: displayText(title), panels: panels.map { Part($0) })
    }
  }
}

extension Document.Chart {
  /// Numbers side by side: places on the horizontal axis have names and no numbers.
  init(_ chart: IntervalChart) {
    title = chart.title.map(displayText)
    note = chart.note.map(displayText)
    (xScale, yScale) = (Scale(kind: "named"), Scale(kind: "linear"))
    let bars = Array(chart.bars.enumerated())
    let curves = [("others", false), ("significant", true)].compactMap {
      label, isStrong -> Curve? in
      let chosen = bars.filter { $0.element.isStrong == isStrong }
      guard !chosen.isEmpty else { return nil }
      return Curve(
        label: label,
        points: chosen.map { index, bar in
          [Double(index), bar.value]
            + (bar.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
        }, names: chosen.map { displayText($0.element.name) })
    }
    rows = [
      Row(
        title: displayText(chart.yTitle),
        panels: [
          Part(xTitle: displayText(chart.xTitle), xNames: [], xShort: [], curves: curves, spans: [])
        ])
    ]
  }
}

extension Document.Chart.Part {
  fileprivate init(_ panel: LineChart.Panel) {
    // As many letters as there is room for between two of five ticks.
    let short = ShortNames(panel.xNames) { $0.count <= 12 }
    let title = [panel.xTitle, short.pattern].compactMap { $0 }.joined(separator: ": ")
    self.init(
      xTitle: displayText(title), xNames: panel.xNames.map(displayText), xShort: short.texts,
      curves: panel.curves.map { curve in
        Document.Chart.Curve(
          label: curve.label.map(displayText),
          points: curve.points.map { point in
            [point.x, point.y] + (point.spread.map { [$0.lowerBound, $0.upperBound] } ?? [])
          })
      },
      slope: panel.expectedSlope, note: panel.note.map(displayText),
      spans: panel.spans.map { [$0.lowerBound, $0.upperBound] })
  }
}

extension Document.Chart.Scale {
  fileprivate init(_ scale: LineChart.Scale) {
    switch scale {
    case .logarithmic: self.init(kind: "logarithmic")
    case .linear(let range):
      self.init(kind: "linear", low: range?.lowerBound, high: range?.upperBound)
    }
  }
}
