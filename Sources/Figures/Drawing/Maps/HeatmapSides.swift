/// What stands around the cells of a heatmap, and how much room it takes.
struct HeatmapSides {
  /// The titles of the axes, with what all names of an axis have in common.
  let rowTitle: String?
  let columnTitle: String?
  /// The numbers beside the colour scale.
  let scoreTicks: [(value: Double, label: String)]
  let widestScoreTick: Double
  /// The name of the colour scale, in lines, and how high the scale should be for it.
  let scoreName: [String]
  let scoreNameLength: Double

  private let heatmap: Heatmap
  /// The least room right of the cells, so that maps beside each other are alike.
  var leastRight = 0.0
  private let rowNames: [String]
  private let columnNames: [String]
  private let style: PageStyle
  private let meter: TextMeter

  init(of heatmap: Heatmap, style: PageStyle, meter: TextMeter) {
    self.heatmap = heatmap
    self.style = style
    self.meter = meter
    func fits(_ name: String) -> Bool {
      meter.width(of: name, size: style.text) <= style.longestName
    }
    (rowNames, rowTitle) = heatmap.rowAxis.short(fits)
    (columnNames, columnTitle) =
      heatmap.columnAxis == heatmap.rowAxis ? (rowNames, rowTitle) : heatmap.columnAxis.short(fits)
    scoreTicks = scaleTicks(over: heatmap.range, limit: 6)
    widestScoreTick = meter.widest(of: scoreTicks.map(\.label), size: style.text)
    scoreName = meter.lines(
      of: heatmap.scoreName, in: style.longestUprightTitle, size: style.axisTitle, limit: 2)
    scoreNameLength = meter.widest(of: scoreName, size: style.axisTitle)
  }

  func rowLabels(cell: Double) -> AxisLabels {
    AxisLabels(
      of: heatmap.rowAxis, names: rowNames, count: heatmap.rows, cell: cell, isHorizontal: false,
      style: style, meter: meter)
  }

  func columnLabels(cell: Double) -> AxisLabels {
    AxisLabels(
      of: heatmap.columnAxis, names: columnNames, count: heatmap.columns, cell: cell,
      isHorizontal: true, style: style, meter: meter)
  }

  /// How much of the page lies left of the cells, the margin aside.
  func left(cell: Double) -> Double {
    let labels = rowLabels(cell: cell)
    var width = style.line + style.labelGap + labels.depth(size: style.text)
    if labels.hasTicks { width += style.tick }
    let groups = groupNames(heatmap.rowAxis.groups, cell: cell)
    if groups.contains(where: { !$0.isEmpty }) {
      width += style.labelGap + style.line + style.labelGap + style.text
    }
    if rowTitle != nil { width += style.labelGap + style.axisTitle }
    // A bracket stands on a whole pixel.
    return width + 1
  }

  /// Between the cells and the colour scale: a tick's label at the end of the axis has room there.
  var barGap: Double {
    let atEnd = heatmap.columnAxis.ticks.filter { $0.place == Double(heatmap.columns) }
    let overhang = atEnd.map { meter.width(of: $0.label, size: style.text) / 2 }.max() ?? 0
    return max(style.barGap, overhang + style.labelDistance)
  }

  /// How much of it lies right of the cells.
  var right: Double {
    let own =
      style.line + barGap + style.barWidth + style.line + style.tick + style.labelGap
      + widestScoreTick + style.gap + Double(scoreName.count) * style.axisTitle * style.lineSpacing
      + 1
    return max(own, leastRight)
  }

  /// Where the bracket of `group` runs along its axis: whole pixels, a little apart from the next.
  func extent(of group: Heatmap.Group, cell: Double) -> (start: Double, length: Double) {
    let start = (Double(group.range.lowerBound) * cell).rounded()
    let length = (Double(group.range.upperBound) * cell).rounded() - start
    let inset = min(style.line, max(((length - 1) / 2).rounded(.down), 0))
    return (start + inset, length - 2 * inset)
  }

  /// The names of `groups`, each in the room of its cells; empty where it does not fit.
  func groupNames(_ groups: [Heatmap.Group], cell: Double) -> [String] {
    groups.map { group in
      let (name, room) = (displayText(group.name), extent(of: group, cell: cell).length)
      return meter.width(of: name, size: style.text) <= room ? name : ""
    }
  }
}

/// The sides of a cell, in pixels.
struct CellSize: Hashable {
  var width: Double
  var height: Double

  /// The largest cells that leave room for the `sides`.
  ///
  /// Cells are square, but for a plot more than four times as wide as high, or half as high again as
  /// wide. They are whole multiples of `pitch`, unless that is more room than there is.
  ///
  /// - Returns: the size, what lies left of the cells, and how these fill their room.
  static func fitting(
    _ heatmap: Heatmap, pitch: Int, sides: HeatmapSides, style: PageStyle
  ) throws(FigureError) -> (cell: CellSize, left: Double, fits: [CellFit]) {
    let (rows, columns, pitch) = (Double(heatmap.rows), Double(heatmap.columns), Double(pitch))
    func whole(_ length: Double, _ limit: FloatingPointRoundingRule) -> Double {
      let multiple = (length / pitch).rounded(limit) * pitch
      return multiple >= pitch ? multiple : length
    }
    func size(width: Double) -> CellSize {
      let across = width * columns
      let upright = width * rows
      if upright > 1.4 * across {
        return CellSize(width: width, height: whole(1.4 * across / rows, .down))
      }
      if upright < 0.25 * across {
        // As high as a line of names, where that is not too high.
        let line = min(1.25 * style.text, 0.5 * across / rows)
        return CellSize(
          width: width,
          height: whole(max(line, 0.25 * across / rows, width), .toNearestOrAwayFromZero))
      }
      return CellSize(width: width, height: width)
    }
    // Tiles of a grid may be of any size.
    let most = pitch > 1 ? Double.infinity : style.largestCell.rounded(.down)
    var left = 0.0
    var width = Double.infinity
    while true {
      let room = style.room - sides.right - left
      guard !style.isTooShort(room) else {
        throw style.tooNarrow(for: "a map")
      }
      if width * columns <= room + 1e-6 {
        let cell = size(width: width)
        var fits = [CellFit(room: min(room, most * columns), least: pitch * columns)]
        if rows > 1.4 * columns { fits.append(CellFit(room: 1.4 * width * columns, least: rows)) }
        return (cell, left, fits)
      }
      // Less than before, whatever rounding does.
      width = min(whole(room / columns, .down), most, width * 0.999)
      left = sides.left(cell: size(width: width).height)
    }
  }
}
