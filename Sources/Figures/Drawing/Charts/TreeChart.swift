/// A tree of what is near to what, its leaves at the right: two branches meet at the distance of their clusters.
public struct TreeChart: Figure, Equatable {
  /// What stands at the end of a branch.
  public struct Leaf: Sendable, Hashable {
    /// What is written beside it.
    public var name: String
    /// Which group it is of, which its mark tells.
    public var group: Int

    /// See the properties.
    public init(name: String, group: Int) {
      (self.name, self.group) = (name, group)
    }
  }

  /// Two branches that meet. Branch i < n ends in leaf i alone; branch n + k is the one that begins at merge k.
  public struct Merge: Sendable, Hashable {
    /// The branch above.
    public var left: Int
    /// The branch below.
    public var right: Int
    /// Where they meet.
    public var height: Double

    /// See the properties.
    public init(left: Int, right: Int, height: Double) {
      (self.left, self.right, self.height) = (left, right, height)
    }
  }

  /// n of them, in any order.
  public let leaves: [Leaf]
  /// n − 1 of them, in the order of their heights.
  public let merges: [Merge]
  /// How many groups there are, whose marks are those of a scatter chart of as many.
  public let groupCount: Int
  /// What the heights are.
  public let axisTitle: String

  /// A figure of a tree; see the properties.
  ///
  /// - Throws: `FigureError` of kind `invalid` where there are fewer than two leaves, the merges make no tree of them, a
  ///   height is negative or not finite, or a group is not there.
  public init(
    leaves: [Leaf], merges: [Merge], groupCount: Int, axisTitle: String
  ) throws(FigureError) {
    guard leaves.count > 1, merges.count == leaves.count - 1,
      merges.indices.allSatisfy({ index in
        [merges[index].left, merges[index].right].allSatisfy {
          (0..<leaves.count + index).contains($0)
        }
      }), Set(merges.flatMap { [$0.left, $0.right] }).count == 2 * merges.count
    else { throw .invalid("\(merges.count) merges make no tree of \(leaves.count) leaves") }
    guard merges.allSatisfy({ $0.height >= 0 && $0.height.hasLinearPlace }) else {
      throw .invalid("a branch of a tree has no finite length")
    }
    guard leaves.allSatisfy({ (0..<groupCount).contains($0.group) }) else {
      throw .invalid("a leaf of a tree is of none of its \(groupCount) groups")
    }
    self.leaves = leaves
    self.merges = merges
    self.groupCount = groupCount
    self.axisTitle = axisTitle
  }

  /// The picture as the bytes of a file.
  public func data(
    _ format: FigureFormat, style: FigureStyle
  ) throws(FigureError) -> [UInt8] {
    try file(format, style)
  }

  /// The leaves from the top, those of a merge beside each other.
  var order: [Int] {
    var order: [Int] = []
    var rest = [leaves.count + merges.count - 1]
    while let branch = rest.popLast() {
      if branch < leaves.count {
        order.append(branch)
      } else {
        rest += [merges[branch - leaves.count].right, merges[branch - leaves.count].left]
      }
    }
    return order
  }
}

extension TreeChart: DrawnFigure {
  var usualWidth: Double { FigureStyle.columnWidths[0] }

  func drawing(_ style: PageStyle) throws(FigureError) -> any Drawing {
    let meter = try TextMeter(fontFamily: style.fontFamily)
    let layout = try TreeChartLayout(of: self, style: style, meter: meter)
    try meter.checkStatus()
    return layout
  }
}

/// Where everything in a tree stands.
struct TreeChartLayout: Drawing {
  private(set) var page: Rectangle
  private(set) var texts: [PlacedText] = []
  private var branches: [[(x: Double, y: Double)]] = []
  private var marks: [(place: (x: Double, y: Double), group: Int)] = []
  private var grid: [Rectangle] = []
  private var lines: [Rectangle] = []
  private let radius: Double
  private let look: GroupMarks
  private let style: PageStyle

  var fits: [CellFit] { [] }

  init(of chart: TreeChart, style: PageStyle, meter: TextMeter) throws(FigureError) {
    self.style = style
    look = GroupMarks(count: chart.groupCount)
    page = Rectangle(x: 0, y: 0, width: style.width, height: style.margin)
    let order = chart.order
    // Names below each other; where there are more than eighty, one in several is written.
    let line = style.text * style.lineSpacing
    let pitch = min(line, max(80 * line / Double(order.count), 2 * style.unit))
    radius = min(style.markRadius(isCrowded: false), 0.4 * pitch)
    let room = max(style.longestName, 0.42 * style.width)
    let names = ShortNames(order.map { chart.leaves[$0].name }) {
      meter.width(of: $0, size: style.text) <= room
    }.texts
    let longest = meter.widest(of: names, size: style.text)
    let lead = 2 * radius + style.labelGap
    let plot = Rectangle(
      x: style.margin + style.labelGap, y: page.height.rounded(.up),
      width: style.width - 2 * style.margin - longest - lead - style.labelGap,
      height: (Double(order.count) * pitch).rounded(.up))
    guard !style.isTooShort(plot.width) else { throw style.tooNarrow(for: "a tree") }
    let top = chart.merges.map(\.height).max() ?? 0
    let scale = (plot.width - style.inset) / (top > 0 ? top : 1)
    func x(_ height: Double) -> Double { plot.maxX - height * scale }
    var ends = [(x: Double, y: Double)](repeating: (0, 0), count: chart.leaves.count)
    var below = -Double.infinity
    for (row, leaf) in order.enumerated() {
      let place = (x: plot.maxX, y: plot.y + (Double(row) + 0.5) * pitch)
      ends[leaf] = place
      marks.append((place, chart.leaves[leaf].group))
      guard place.y - below >= 0.99 * line else { continue }
      below = place.y
      texts.append(
        meter.place(
          names[row], x: plot.maxX + lead, y: place.y, size: style.text, anchor: .start))
    }
    for merge in chart.merges {
      let (one, other, meet) = (ends[merge.left], ends[merge.right], x(merge.height))
      branches.append([one, (meet, one.y), (meet, other.y), other])
      ends.append((meet, (one.y + other.y) / 2))
    }
    let limit = max(2, Int(plot.width / (4 * style.text)))
    for tick in scaleTicks(over: 0...max(top, 1e-6), limit: min(limit, 5)) {
      let place = (x(tick.value) - style.line / 2).rounded()
      grid.append(Rectangle(x: place, y: plot.y, width: style.line, height: plot.height))
      lines.append(Rectangle(x: place, y: plot.maxY, width: style.line, height: style.tick))
      let half = meter.width(of: tick.label, size: style.text) / 2
      texts.append(
        meter.place(
          tick.label, x: max(x(tick.value), style.margin + half),
          y: plot.maxY + style.tick + style.labelGap + style.text / 2, size: style.text,
          anchor: .middle))
    }
    lines.append(Rectangle(x: plot.x, y: plot.maxY, width: plot.width, height: style.line))
    page.height = plot.maxY + style.tick + 2 * style.labelGap + style.text
    let title = meter.fitted(chart.axisTitle, in: style.room, size: style.axisTitle)
    texts.append(
      meter.place(
        title,
        x: max(plot.midX, style.margin + meter.width(of: title, size: style.axisTitle) / 2),
        y: page.height + style.axisTitle / 2, size: style.axisTitle, anchor: .middle))
    page.height = (page.height + style.axisTitle + style.margin).rounded(.up)
  }

  func draw(on canvas: Canvas) {
    canvas.fill(grid, with: FigureColors.gridLine)
    for branch in branches {
      canvas.stroke(branch, with: FigureColors.faintInk, width: style.guideWidth)
    }
    canvas.fill(lines, with: FigureColors.ink)
    for mark in marks {
      look.draw(mark.group, at: mark.place, radius: radius, style: style, on: canvas)
    }
    for text in texts { canvas.draw(text, with: FigureColors.ink) }
  }
}
