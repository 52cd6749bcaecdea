import Figures
import Report
import Results
import Support

extension LineChart {
  /// Accuracy over depth, a band for the test's interval, blocks shaded.
  fileprivate init(_ document: ProbeDocument) throws(FigureError) {
    func points(
      _ value: (ProbeDocument.Layer) -> Double?,
      _ spread: (ProbeDocument.Layer) -> ClosedRange<Double>? = { _ in nil }
    ) -> [Point] {
      document.layers.enumerated().compactMap { index, layer in
        value(layer).map { Point(x: Double(index), y: $0, spread: spread(layer)) }
      }
    }
    let test = points({ $0.testAccuracy }) { layer in
      guard let low = layer.low, let high = layer.high else { return nil }
      return low...high
    }
    let fitted = points { $0.trainAccuracy }
    var curves = [Curve(points: test, label: "test"), Curve(points: fitted, label: "fitted")]
    // The line of the most frequent class must not press the others together.
    let ends = (test + fitted).flatMap { [$0.y, $0.spread?.lowerBound ?? $0.y] }
    let majority = document.majorityAccuracy
    var note = "band: 95 % interval, \(document.examples.test) test examples"
    if let lowest = ends.min(), let highest = ends.max(), lowest - majority <= highest - lowest,
      let first = test.first, let last = test.last
    {
      let places = first.x < last.x ? [first.x, last.x] : [first.x]
      curves.append(
        Curve(points: places.map { Point(x: $0, y: majority) }, label: "most frequent class"))
    } else {
      note += "; most frequent class: \(Format.fixed(majority, 2))"
    }
    let spans = (document.blocks ?? []).map { Double($0.first) - 0.5...Double($0.last) + 0.5 }
    if !spans.isEmpty { note += "; shaded: blocks" }
    try self.init(
      panels: [
        [
          Panel(
            xTitle: "layer", xNames: document.layers.map(\.name), curves: curves, spans: spans)
        ]
      ], rowTitles: ["accuracy"], title: "linear probes: \(document.model)", note: note,
      xScale: .linear(), yScale: .linear())
  }
}

extension ProbeResult: DrawableResult {
  /// The page for a browser.
  public func report() throws -> Report { Report(document, try LineChart(document)) }

  /// The figures, the one that says most first.
  public func figures() throws -> [NamedFigure] {
    [NamedFigure(name: "probe", figure: try LineChart(document))]
  }
}
