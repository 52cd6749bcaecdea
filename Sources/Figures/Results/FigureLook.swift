import Figures

/// What somebody wants of pictures beside what a result says.
package struct FigureLook: Sendable {
  /// The size and the type.
  package var style: FigureStyle
  /// The ends of the color scale of maps; nil for those of each map.
  package var range: ClosedRange<Double>?
  /// A heading of maps.
  package var title: String?

  package init(style: FigureStyle, range: ClosedRange<Double>?, title: String?) {
    self.style = style
    self.range = range
    self.title = title
  }

  /// Whether anything is asked for that only maps have.
  var asksForMaps: Bool { range != nil || title != nil }

  /// `figure` with another scale or heading, where it is a map.
  func applied(to figure: any Figure) throws -> any Figure {
    guard let heatmap = figure as? Heatmap else { return figure }
    return try heatmap.with(range: range, title: title)
  }
}
