import CKA
import Device
import Figures
import Report
import Results
import Support

extension Heatmap.Outline {
  /// Layers of a network in its map with itself.
  init(layers: Range<Int>) { self.init(rows: layers, columns: layers) }
}

extension ResultDocument.Model {
  /// Runs of neighboring layers of one stage.
  private var stages: [Heatmap.Group] {
    var groups: [Heatmap.Group] = []
    var start = 0
    for index in 1...layers.count
    where index == layers.count || layers[index].stage != layers[start].stage {
      if let stage = layers[start].stage {
        groups.append(Heatmap.Group(name: stage, range: start..<index))
      }
      start = index
    }
    return groups
  }
}

extension ResultDocument.Model {
  var axis: Heatmap.Axis {
    Heatmap.Axis(labels: layers.map(\.name), title: name, groups: stages)
  }
}

extension Heatmap {
  /// The picture of a result.
  init(_ document: ResultDocument, _ cka: Matrix<Double>) throws {
    let rows = document.models[0]
    let columns = document.models.last ?? rows
    try self.init(
      values: cka.elements, rows: cka.rows, columns: cka.columns, rowAxis: rows.axis,
      columnAxis: columns.axis,
      scoreName: ResultDocument.scoreName(kernel: document.kernel, estimator: document.estimator),
      outlines: (document.blocks ?? []).map { Outline(layers: $0.layers) })
  }

}

/// A figure as a file of each format.
func pictures(
  _ name: String, of figure: some Figure
) throws -> [ResultFile] {
  try FigureFormat.allCases.map { ("\(name).\($0.rawValue)", try figure.data($0)) }
}

extension CompareResult: DrawableResult {
  /// The map.
  public func heatmap() throws -> Heatmap { try Heatmap(document, cka) }

  /// The figures, the one that says most first.
  public func figures() throws -> [NamedFigure] {
    [NamedFigure(name: "heatmap", figure: try heatmap())]
  }

  /// The page for a browser.
  public func report() throws -> Report { try Report(document, cka: cka, z: z) }
}
