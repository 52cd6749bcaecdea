import Analyses
import Figures
import Report
import Results
import Support

extension BlocksResult: DrawableResult {
  /// The map of one model with outlines, or where the blocks of many lie.
  public func heatmap() throws -> Heatmap {
    guard var result = document.result, let map else {
      return try Heatmap(blocksOf: document.models)
    }
    result.blocks = document.models[0].blocks
    return try Heatmap(result, map)
  }

  /// The curves of similarity at equal relative depth, of a sweep.
  private func depth() throws -> Heatmap? {
    guard let curves = document.curves, !curves.isEmpty else { return nil }
    return try Heatmap(curves)
  }

  /// The figures, the one that says most first.
  public func figures() throws -> [NamedFigure] {
    let first = NamedFigure(name: map == nil ? "blocks" : "heatmap", figure: try heatmap())
    return try [first] + (depth().map { [NamedFigure(name: "depth", figure: $0)] } ?? [])
  }

  /// The page for a browser.
  public func report() throws -> Report {
    Report(document, try [heatmap()] + (depth().map { [$0] } ?? []))
  }
}

extension Heatmap {
  /// Where the blocks of many networks lie: a row a network, the layers from the left to the right.
  fileprivate init(blocksOf models: [BlocksDocument.Model]) throws {
    let columns = min(max(models.map(\.layers).max() ?? 1, 20), 200)
    let values = models.flatMap { model in
      (0..<columns).map { column in
        let layer = (2 * column + 1) * model.layers / (2 * columns)
        if model.undefinedLayers.contains(layer) { return Double.nan }
        guard let block = model.blocks.first(where: { $0.layers.contains(layer) }) else { return 0 }
        return block.contrast ?? .nan
      }
    }
    try self.init(
      values: values, rows: models.count, columns: columns,
      rowAxis: Axis(labels: models.map(\.name)),
      columnAxis: Axis(
        title: "relative depth", ticks: Self.fractions(from: 0, to: Double(columns))),
      range: Self.range(upTo: values.filter { !$0.isNaN }.max() ?? 0), scoreName: "contrast",
      title: "blocks")
  }

  /// Curves of similarity against depth: a row a pair of architectures.
  fileprivate init(_ curves: [BlocksDocument.Curve]) throws {
    let names = curves.map { $0.left == $0.right ? $0.left : "\($0.left) – \($0.right)" }
    let columns = DepthCurves.depths.count
    try self.init(
      values: curves.flatMap { $0.similarity.map { $0 ?? .nan } }, rows: curves.count,
      columns: columns,
      rowAxis: Axis(labels: names),
      columnAxis: Axis(
        title: "relative depth of both layers",
        ticks: Self.fractions(from: 0.5, to: Double(columns) - 0.5)),
      scoreName: "CKA", title: "similarity at equal relative depth")
  }

  /// 0, 0.25 … 1 on an axis, with 0 and 1 at the given places.
  private static func fractions(from start: Double, to end: Double) -> [Tick] {
    [0, 0.25, 0.5, 0.75, 1].map {
      Tick(place: start + $0 * (end - start), label: Format.fixed($0, 2))
    }
  }
}
