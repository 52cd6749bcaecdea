import Activations
import CommandSupport
import Figures
import Report

/// What `probe` finds.
struct ProbeResult: DrawableResult {
  let document: ProbeDocument

  init(_ document: ProbeDocument) { self.document = document }

  init(in folder: String) throws { document = try ProbeDocument(in: folder) }

  func figures() throws -> [NamedFigure] {
    [NamedFigure(name: "probe", figure: try LineChart(document))]
  }

  func report() throws -> Report { Report(document, try LineChart(document)) }
}

/// The files of a result of `probe`, as bytes, ready to be written.
struct ProbeFiles {
  /// The folder that is written.
  static let kind = ResultFolder.Kind(
    ProbeDocument.self, names: ["probe.csv"], figures: ["probe"])

  /// Names and bytes, in the order people look for them.
  let contents: [(name: String, bytes: [UInt8])]

  /// - Parameter report: whether a page is among them.
  init(_ document: ProbeDocument, report: Bool) throws {
    contents =
      try ProbeResult(document).drawings(report: report).map { try $0() } + [
        ("probe.csv", document.csv), (ProbeDocument.name, try document.json),
      ]
  }
}

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
    let places = test.map(\.x)
    let majority = [places.first, places.last].compactMap { $0 }.map {
      Point(x: $0, y: document.majorityAccuracy)
    }
    let spans = (document.blocks ?? []).map { Double($0.first) - 0.5...Double($0.last) + 0.5 }
    let shaded = spans.isEmpty ? "" : "; shaded: blocks"
    try self.init(
      panels: [
        [
          Panel(
            xTitle: "layer",
            curves: [
              Curve(points: test, label: "test"),
              Curve(points: points { $0.trainAccuracy }, label: "fitted"),
              Curve(
                points: places.count > 1 ? majority : Array(majority.prefix(1)),
                label: "most frequent class"),
            ], spans: spans)
        ]
      ], rowTitles: ["accuracy"], title: "linear probes: \(document.model)",
      note: "band: 95 % of \(document.examples.test) tested examples\(shaded)",
      xScale: .linear(), yScale: .linear(0...1))
  }
}
