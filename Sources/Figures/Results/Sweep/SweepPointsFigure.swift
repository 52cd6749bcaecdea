import Device
import Figures
import Results
import Support

extension SweepDocument.Points {
  /// In the title of a picture.
  var title: String {
    switch distance {
    case .equalDepth: "Distance at equal relative depth"
    case .bestMatch: "Distance of the layers that are most alike"
    }
  }

  /// The models as points, and beside them as a tree.
  ///
  /// - Parameter titled: whether a heading says what is shown.
  func figure(of document: SweepDocument, titled: Bool = true) throws(FigureError) -> FigureGrid {
    let names = models.map { document.models[$0].group }
    var groups: [String] = []
    for name in names where !groups.contains(name) { groups.append(name) }
    let group = names.map { groups.firstIndex(of: $0) ?? 0 }
    let scatter = try ScatterChart(
      points: zip(points, group).map { .init(x: $0[0], y: $0[1], group: $1) }, groups: groups,
      axisTitle: "radians", title: titled ? title : nil,
      note: (["stress \(Format.fixed(stress, 3))"] + findings(of: document)).joined(
        separator: "; "))
    let tree = try TreeChart(
      leaves: zip(models, group).map { .init(name: document.models[$0].name, group: $1) },
      merges: merges.map { .init(left: $0.left, right: $0.right, height: $0.height) },
      groupCount: groups.count, axisTitle: "mean distance of two clusters (radians)")
    return try FigureGrid(panels: [[.scatterChart(scatter), .treeChart(tree)]])
  }
}
