/// How the panels of a line chart share the width of a page.
struct LineChartColumns {
  /// How many stand beside each other.
  let count: Int
  /// The left edge of the first plot.
  let left: Double
  /// The left edges of all columns.
  let starts: [Double]
  /// In whole pixels.
  let plotWidth: Double
  let plotHeight: Double
  private let longestName: Double
  private let style: PageStyle
  private let meter: TextMeter

  /// As many columns as the chart has, or fewer, so that no plot is too narrow.
  ///
  /// - Parameter axes: the vertical axes, made from their length.
  init(
    of chart: LineChart, axes: [(Double) -> ChartAxis], style: PageStyle, meter: TextMeter
  ) throws(FigureError) {
    func widestTick(height: Double) -> Double {
      let ticks = axes.flatMap { $0(height).ticks(limit: Self.tickLimit) }
      return meter.widest(of: ticks.map(\.label), size: style.text)
    }
    // The width decides the height, it decides the numbers, and they decide the width that is left.
    var widest = widestTick(height: style.plotHeights.lowerBound)
    while true {
      let columns = try LineChartColumns(of: chart, widestTick: widest, style, meter)
      let actual = widestTick(height: columns.plotHeight)
      guard actual > widest else {
        self = columns
        return
      }
      widest = actual
    }
  }

  /// How many numbers a vertical axis has at most.
  static let tickLimit = 6

  /// The columns beside numbers of a width.
  private init(
    of chart: LineChart, widestTick widest: Double, _ style: PageStyle, _ meter: TextMeter
  ) throws(FigureError) {
    self.style = style
    self.meter = meter
    let left =
      style.margin + style.axisTitle + style.gap + widest + style.labelGap + style.tick
    let all = chart.panels[0].count
    for count in stride(from: all, through: 1, by: -1) {
      let longest = 0.34 * style.room / Double(count)
      let rooms = (0..<count).map { (column: Int) -> Double in
        var room = 0.0
        for row in chart.panels {
          for place in stride(from: column, to: all, by: count) {
            let names = Self.names(of: row[place], in: longest, style, meter)
            room = max(room, Self.room(for: names, style, meter))
          }
        }
        return room
      }
      let gaps = Double(count - 1) * style.columnGap
      let width =
        ((style.width - style.margin - left - rooms.reduce(0, +) - gaps) / Double(count)).rounded(
          .down)
      guard width >= style.narrowestPlot || count == 1 else { continue }
      guard !style.isTooShort(width) else { break }
      self.count = count
      self.left = left
      plotWidth = width
      longestName = longest
      let height = style.plotProportion * width
      plotHeight = min(max(height, style.plotHeights.lowerBound), style.plotHeights.upperBound)
        .rounded()
      var starts = [left]
      for room in rooms.dropLast() {
        starts.append(starts[starts.count - 1] + width + room + style.columnGap)
      }
      self.starts = starts
      return
    }
    throw style.tooNarrow(for: "a chart")
  }

  /// What stands beside the curves; empty where a curve has no name.
  func names(of panel: LineChart.Panel) -> [String] {
    Self.names(of: panel, in: longestName, style, meter)
  }

  /// The width that names take beside their curves, their marks included.
  private static func room(for names: [String], _ style: PageStyle, _ meter: TextMeter) -> Double {
    guard !names.isEmpty else { return 0 }
    return style.gap + 2 * style.markRadius(isCrowded: false) + style.labelGap
      + meter.widest(of: names, size: style.text)
  }

  private static func names(
    of panel: LineChart.Panel, in room: Double, _ style: PageStyle, _ meter: TextMeter
  ) -> [String] {
    guard panel.curves.contains(where: { $0.label != nil }) else { return [] }
    return ShortNames(panel.curves.map { $0.label ?? "" }) {
      meter.width(of: $0, size: style.text) <= room
    }.texts
  }
}

/// What is written below a chart.
struct ChartLabels {
  /// Where lines go up through the plot.
  let ticks: [ChartAxis.Tick]
  /// What is written at some of them.
  let labels: [ChartAxis.Tick]
  /// Whether the labels run upwards.
  let isAcross: Bool
  /// How far they reach down.
  let depth: Double
  /// The title, with what all names have in common.
  let title: String

  /// - Parameter places: where the points are.
  init(
    of panel: LineChart.Panel, places: [Double], on axis: ChartAxis, xScale: LineChart.Scale,
    width: Double, style: PageStyle, meter: TextMeter
  ) {
    func length(_ tick: ChartAxis.Tick) -> Double { meter.width(of: tick.label, size: style.text) }
    guard panel.xNames.isEmpty else {
      let names = ShortNames(panel.xNames) {
        meter.width(of: $0, size: style.text) <= style.longestName
      }
      title = [panel.xTitle, names.pattern].compactMap { $0 }.joined(separator: ": ")
      let all = places.compactMap { place -> ChartAxis.Tick? in
        guard let index = Int(exactly: place), names.texts.indices.contains(index) else {
          return nil
        }
        return ChartAxis.Tick(value: place, label: names.texts[index])
      }
      let distance = axis.scale
      isAcross = all.contains { length($0) + style.labelDistance > distance } && all.count > 1
      let line = style.text * style.lineSpacing
      let step = isAcross ? max(1, Int((line / distance).rounded(.up))) : 1
      labels = stride(from: 0, to: all.count, by: step).map { all[$0] }
      ticks = labels
      depth = isAcross ? labels.map(length).max() ?? 0 : style.text
      return
    }
    title = panel.xTitle
    isAcross = false
    depth = style.text
    // On a logarithmic axis, and where points are few, every point has its tick; labels that would touch
    // the one before are left out.
    ticks =
      xScale == .logarithmic || places.count <= 8
      ? places.map { ChartAxis.Tick(value: $0, label: plainNumber($0)) }
      : axis.ticks(limit: max(2, Int(width / (2.5 * style.axisTitle))))
    var end = -Double.infinity
    labels = ticks.filter { tick in
      let (place, half) = (axis.place(of: tick.value), length(tick) / 2)
      guard place - half >= end + style.labelDistance else { return false }
      end = place + half
      return true
    }
  }
}
