import Figures

/// What somebody wants of pictures beside what a result says.
public struct FigureLook: Sendable, Hashable {
  /// The size and the type.
  public var style: FigureStyle
  /// The ends of the color scale of maps; nil for those of each map.
  public var range: ClosedRange<Double>?
  /// A heading of maps.
  public var title: String?

  /// See the properties.
  public init(
    style: FigureStyle = .standard, range: ClosedRange<Double>? = nil, title: String? = nil
  ) {
    self.style = style
    self.range = range
    self.title = title
  }

  /// The ends of a color scale as people write them, `-0.2,1`: two numbers, the lower first; nil for others.
  public static func range(_ text: String) -> ClosedRange<Double>? {
    let ends = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    guard ends.count == 2, let low = ends[0], let high = ends[1], low < high, (high - low).isFinite
    else { return nil }
    return low...high
  }

  /// Whether anything is asked for that only maps have.
  var asksForMaps: Bool { range != nil || title != nil }

  /// `figure` with another scale or heading, where it is a map.
  func applied(to figure: any Figure) throws -> any Figure {
    guard let heatmap = figure as? Heatmap else { return figure }
    return try heatmap.with(range: range, title: title)
  }
}
